#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <map>

#include "tls_stream.hpp"

namespace atrium::net {

namespace {

using x509_ptr = openssl_ptr<X509, X509_free>;
using key_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;
using bio_ptr = openssl_ptr<BIO, BIO_free>;
using context_ptr = openssl_ptr<SSL_CTX, SSL_CTX_free>;
using session_ptr = openssl_ptr<SSL_SESSION, SSL_SESSION_free>;

constexpr std::size_t kept_sessions = 256;

[[noreturn]] void refuse(std::string what) {
  throw failure(error(disposition::invalid, std::move(what)).with_peer_text(take_openssl_errors()));
}

bio_ptr open(std::string_view pem) { return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

std::vector<x509_ptr> read_certificates(std::string_view pem) {
  std::vector<x509_ptr> all;
  auto in = open(pem);
  while (auto* c = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(c);
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) refuse("A certificate is not valid PEM.");
  ERR_clear_error();
  if (all.empty()) refuse("There is no certificate in the PEM text.");
  return all;
}

void use_identity(SSL_CTX* to, std::string_view chain, std::string_view key_pem) {
  auto certificates = read_certificates(chain);
  if (SSL_CTX_use_certificate(to, certificates[0].get()) != 1) refuse("The certificate cannot be used for TLS.");
  for (std::size_t i = 1; i < certificates.size(); ++i)
    if (SSL_CTX_add1_chain_cert(to, certificates[i].get()) != 1)
      refuse("The certificate chain cannot be used for TLS.");
  auto in = open(key_pem);
  // An empty passphrase: never ask a terminal for one.
  key_ptr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, const_cast<char*>("")));
  if (!key) refuse("The private key is not valid PEM, or it is encrypted.");
  if (SSL_CTX_use_PrivateKey(to, key.get()) != 1 || SSL_CTX_check_private_key(to) != 1)
    refuse("The private key does not belong to the certificate.");
}

bool is_address(const std::string& name) {
  openssl_ptr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> ip(a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return ip != nullptr;
}

class context final : public tls_context {
 public:
  explicit context(bool verify) : verify_(verify), context_(SSL_CTX_new(TLS_method())) {
    if (!context_) refuse("TLS could not be set up.");
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context_.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context_.get(), 0);
    SSL_CTX_set_app_data(context_.get(), this);
  }

  SSL_CTX* get() const noexcept { return context_.get(); }

  void trust(std::string_view ca_pem) {
    if (ca_pem.empty()) {
      if (SSL_CTX_set_default_verify_paths(get()) != 1) refuse("The system's certificate store cannot be read.");
    } else {
      auto* store = SSL_CTX_get_cert_store(get());
      for (auto& c : read_certificates(ca_pem))
        if (X509_STORE_add_cert(store, c.get()) != 1) refuse("A CA certificate cannot be used.");
    }
    SSL_CTX_set_verify(get(), verify_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  }

  void keep_sessions() {
    SSL_CTX_set_session_cache_mode(get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(get(), [](SSL* ssl, SSL_SESSION* session) -> int {
      auto& self = *static_cast<context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      if (self.sessions_.size() >= kept_sessions) self.sessions_.erase(self.sessions_.begin());
      self.sessions_[tls_stream::of(ssl).name()] = session_ptr(session);
      return 1;  // the session is ours now
    });
  }

  rt::task<stream_ptr> handshake_server(stream_ptr inner) override {
    auto s = std::make_unique<tls_stream>(get(), std::move(inner), "");
    SSL_set_accept_state(s->ssl());
    co_await s->handshake();
    co_return s;
  }

  rt::task<stream_ptr> handshake_client(stream_ptr inner, std::string name) override {
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    if (name.ends_with('.')) name.pop_back();
    auto s = std::make_unique<tls_stream>(get(), std::move(inner), name);
    prepare_client(s->ssl(), name);
    co_await s->handshake();
    if (SSL_session_reused(s->ssl())) ++resumed_;
    co_return s;
  }

  std::uint64_t resumed() const noexcept override { return resumed_; }

 private:
  void prepare_client(SSL* ssl, const std::string& name) {
    SSL_set_connect_state(ssl);
    if (name.empty()) {
      if (verify_) refuse("The name of the TLS server is not given, so its certificate cannot be verified.");
    } else if (is_address(name)) {
      if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) != 1)
        refuse("The server's address cannot be verified.");
    } else {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1 || SSL_set1_host(ssl, name.c_str()) != 1)
        refuse("The name of the TLS server is not valid.");
    }
    // TLS 1.3 tickets are for one use (RFC 8446 appendix C.4).
    if (auto kept = sessions_.extract(name)) SSL_set_session(ssl, kept.mapped().get());
  }

  bool verify_;
  context_ptr context_;
  std::map<std::string, session_ptr> sessions_;
  std::uint64_t resumed_ = 0;
};

}  // namespace

std::shared_ptr<tls_context> tls_context::server(std::string_view certificate_chain_pem,
                                                 std::string_view private_key_pem) {
  auto c = std::make_shared<context>(false);
  use_identity(c->get(), certificate_chain_pem, private_key_pem);
  static constexpr unsigned char id[] = {'a', 't', 'r', 'i', 'u', 'm'};
  SSL_CTX_set_session_id_context(c->get(), id, sizeof id);
  return c;
}

std::shared_ptr<tls_context> tls_context::client(std::string_view ca_pem, std::string_view certificate_pem,
                                                 std::string_view private_key_pem, bool verify) {
  auto c = std::make_shared<context>(verify);
  c->trust(ca_pem);
  if (!certificate_pem.empty()) use_identity(c->get(), certificate_pem, private_key_pem);
  c->keep_sessions();
  return c;
}

}  // namespace atrium::net
