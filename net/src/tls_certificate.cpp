#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls_stream.hpp"

namespace atrium::net {

namespace {

using x509_ptr = openssl_ptr<X509, X509_free>;
using key_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;

void require(bool ok) {
  if (!ok)
    throw failure(error(disposition::failed, "A certificate could not be made.").with_peer_text(take_openssl_errors()));
}

key_ptr make_key() {
  key_ptr key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  return key;
}

void add_extension(X509* to, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  openssl_ptr<X509_EXTENSION, X509_EXTENSION_free> e(X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
  require(e && X509_add_ext(to, e.get(), -1) == 1);
}

/// Addresses become IP names, everything else DNS names.
void add_names(X509* to, const std::vector<std::string>& names) {
  openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free> all(GENERAL_NAMES_new());
  for (const auto& name : names) {
    openssl_ptr<GENERAL_NAME, GENERAL_NAME_free> one(GENERAL_NAME_new());
    require(one != nullptr);
    if (auto* ip = a2i_IPADDRESS(name.c_str())) {
      GENERAL_NAME_set0_value(one.get(), GEN_IPADD, ip);
    } else {
      auto* dns = ASN1_IA5STRING_new();
      require(dns && ASN1_STRING_set(dns, name.data(), static_cast<int>(name.size())) == 1);
      GENERAL_NAME_set0_value(one.get(), GEN_DNS, dns);
    }
    require(sk_GENERAL_NAME_push(all.get(), one.release()) > 0);
  }
  require(X509_add1_ext_i2d(to, NID_subject_alt_name, all.get(), 0, X509V3_ADD_DEFAULT) == 1);
}

x509_ptr begin_certificate(EVP_PKEY* key, const std::string& common_name, unsigned days) {
  x509_ptr c(X509_new());
  require(c && X509_set_version(c.get(), X509_VERSION_3) == 1);
  unsigned char serial[16];
  require(RAND_bytes(serial, sizeof serial) == 1);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7F) | 1);  // positive, never zero
  openssl_ptr<BIGNUM, BN_free> number(BN_bin2bn(serial, sizeof serial, nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c.get())));
  // An hour back, for peers whose clocks are behind.
  require(X509_gmtime_adj(X509_getm_notBefore(c.get()), -3600) &&
          X509_gmtime_adj(X509_getm_notAfter(c.get()), 86400L * days));
  require(X509_set_pubkey(c.get(), key) == 1);
  auto* subject = X509_get_subject_name(c.get());
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0) == 1);
  return c;
}

std::string text_of(BIO* b) {
  char* at = nullptr;
  const auto size = BIO_get_mem_data(b, &at);
  return {at, static_cast<std::size_t>(size)};
}

std::string pem(X509* c) {
  openssl_ptr<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), c) == 1);
  return text_of(out.get());
}

std::string pem(EVP_PKEY* k) {
  openssl_ptr<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(out.get(), k, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(out.get());
}

}  // namespace

self_signed make_self_signed(const std::vector<std::string>& names, unsigned days) {
  if (names.empty()) fail(disposition::invalid, "A server certificate needs at least one name.");
  const auto ca_key = make_key();
  const auto ca = begin_certificate(ca_key.get(), "Atrium CA", days);
  require(X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) == 1);
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) > 0);

  const auto key = make_key();
  const auto server = begin_certificate(key.get(), names[0].substr(0, 64), days);
  require(X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get())) == 1);
  add_extension(server.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(server.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(server.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  add_extension(server.get(), ca.get(), NID_subject_key_identifier, "hash");
  add_extension(server.get(), ca.get(), NID_authority_key_identifier, "keyid:always");
  add_names(server.get(), names);
  require(X509_sign(server.get(), ca_key.get(), EVP_sha256()) > 0);
  return {pem(ca.get()), {pem(server.get()), pem(key.get())}};
}

}  // namespace atrium::net
