#include "tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace atrium::net {

namespace {

constexpr std::size_t record = 16 * 1024;
constexpr std::size_t flush_at = 64 * 1024;

const BIO_METHOD* stream_method() {
  static const BIO_METHOD* const method = [] {
    auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "atrium stream");
    BIO_meth_set_read(m, [](BIO* b, char* into, int size) {
      auto& s = *static_cast<tls_stream*>(BIO_get_data(b));
      BIO_clear_retry_flags(b);
      const int n = s.bio_read(into, size);
      if (n < 0) BIO_set_retry_read(b);
      return n;
    });
    BIO_meth_set_write(m, [](BIO* b, const char* from, int size) {
      BIO_clear_retry_flags(b);
      return static_cast<tls_stream*>(BIO_get_data(b))->bio_write(from, size);
    });
    BIO_meth_set_ctrl(m, [](BIO* b, int command, long, void*) -> long {
      if (command == BIO_CTRL_EOF) return static_cast<tls_stream*>(BIO_get_data(b))->at_end();
      return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP;
    });
    BIO_meth_set_create(m, [](BIO* b) {
      BIO_set_init(b, 1);
      return 1;
    });
    return m;
  }();
  return method;
}

}  // namespace

std::string take_openssl_errors() {
  std::string text;
  char line[256];
  while (const auto code = ERR_get_error()) {
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text;
}

tls_stream::tls_stream(SSL_CTX* context, stream_ptr inner, std::string name)
    : inner_(std::move(inner)), name_(std::move(name)), ssl_(SSL_new(context)) {
  auto* bio = ssl_ ? BIO_new(stream_method()) : nullptr;
  if (!bio)
    throw failure(
        error(disposition::failed, "A TLS connection could not be made.").with_peer_text(take_openssl_errors()));
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

tls_stream::~tls_stream() {
  // OpenSSL takes a connection that is freed without close_notify for a failed one and spoils its session.
  if (!broken_ && SSL_is_init_finished(ssl_.get()))
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

tls_stream& tls_stream::of(const SSL* ssl) noexcept { return *static_cast<tls_stream*>(SSL_get_app_data(ssl)); }

int tls_stream::bio_read(char* into, int size) noexcept {
  if (input_.empty()) return ended_ ? 0 : -1;
  const auto n = std::min(input_.size(), static_cast<std::size_t>(size));
  std::memcpy(into, input_.data(), n);
  input_ = input_.subspan(n);
  if (input_.empty()) buffer_.release();
  return static_cast<int>(n);
}

int tls_stream::bio_write(const char* from, int size) noexcept {
  output_.append(from, static_cast<std::size_t>(size));
  return size;
}

rt::task<void> tls_stream::fill() {
  if (!input_.empty()) co_return;
  const auto into = buffer_.borrow();
  std::exception_ptr failed;
  std::size_t n = 0;
  try {
    n = co_await inner_->read_some(into);
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed || n == 0) buffer_.release();
  if (failed) std::rethrow_exception(failed);
  input_ = into.first(n);
  ended_ = n == 0;
}

rt::task<void> tls_stream::flush() {
  auto turn = co_await sending_.lock();
  while (!output_.empty()) {
    const auto batch = std::exchange(output_, {});
    co_await inner_->write_all(rt::as_bytes(batch));
  }
}

rt::task<void> tls_stream::give_up(const char* doing, int ssl_error) {
  broken_ = true;
  const bool checks = SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE && !SSL_is_init_finished(ssl_.get());
  const auto verified = checks ? SSL_get_verify_result(ssl_.get()) : X509_V_OK;
  const bool truncated = ssl_error == SSL_ERROR_SYSCALL ||
                         ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING || ended_;
  auto text = take_openssl_errors();
  try {
    // A reader may not wait for a writer that is stuck.
    if (!output_.empty()) co_await rt::with_timeout(std::chrono::seconds(1), flush());
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  if (verified != X509_V_OK)
    throw failure(error(disposition::denied, "The certificate of " + (name_.empty() ? "the peer" : name_) +
                                                 " is not accepted: " + X509_verify_cert_error_string(verified) + ".")
                      .with_code("tls.certificate")
                      .with_peer_text(std::move(text)));
  if (truncated)
    throw failure(error(disposition::disconnected, std::string("The connection was cut ") + doing + ".")
                      .with_code("tls.truncated")
                      .with_peer_text(std::move(text)));
  throw failure(error(disposition::disconnected, std::string("TLS failed ") + doing + ".")
                    .with_code("tls.protocol")
                    .with_peer_text(std::move(text)));
}

rt::task<void> tls_stream::handshake() {
  for (;;) {
    ERR_clear_error();
    const int r = SSL_do_handshake(ssl_.get());
    const int what = r == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), r);
    if (what != SSL_ERROR_NONE && what != SSL_ERROR_WANT_READ) co_await give_up("during the TLS handshake", what);
    co_await flush();
    if (r == 1) co_return;
    co_await fill();
  }
}

rt::task<std::size_t> tls_stream::read_some(std::span<std::byte> into) {
  for (;;) {
    if (broken_) fail(disposition::disconnected, "The TLS connection has failed before.");
    ERR_clear_error();
    std::size_t n = 0;
    const int r = SSL_read_ex(ssl_.get(), into.data(), into.size(), &n);
    if (r == 1) co_return n;
    const int what = SSL_get_error(ssl_.get(), r);
    if (what == SSL_ERROR_ZERO_RETURN) co_return 0;
    if (what != SSL_ERROR_WANT_READ) co_await give_up("while reading", what);
    co_await fill();
  }
}

rt::task<void> tls_stream::wait_readable() {
  for (;;) {
    if (broken_) co_return;
    ERR_clear_error();
    std::byte first;
    std::size_t n = 0;
    const int r = SSL_peek_ex(ssl_.get(), &first, 1, &n);
    if (r == 1) co_return;
    const int what = SSL_get_error(ssl_.get(), r);
    if (what == SSL_ERROR_ZERO_RETURN) co_return;
    if (what != SSL_ERROR_WANT_READ) co_await give_up("while reading", what);
    // Half a record stays in OpenSSL's own buffer; ours is free meanwhile.
    if (input_.empty()) co_await inner_->wait_readable();
    co_await fill();
  }
}

void tls_stream::encrypt(std::span<const std::byte> piece) {
  if (broken_ || shut_) fail(disposition::disconnected, "The TLS connection is closed.");
  ERR_clear_error();
  std::size_t n = 0;
  if (SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &n) == 1) return;
  broken_ = true;
  throw failure(error(disposition::disconnected, "TLS failed while writing.")
                    .with_code("tls.protocol")
                    .with_peer_text(take_openssl_errors()));
}

rt::task<void> tls_stream::write_all(std::span<const std::byte> from) {
  iovec one{const_cast<std::byte*>(from.data()), from.size()};
  co_await write_all(std::span(&one, 1));
}

rt::task<void> tls_stream::write_all(std::span<iovec> parts) {
  // Small parts share a record; what fills records by itself is not copied.
  read_buffer scratch;
  std::size_t gathered = 0;
  for (const auto& p : parts) {
    std::span<const std::byte> rest(static_cast<const std::byte*>(p.iov_base), p.iov_len);
    while (!rest.empty()) {
      const auto take = std::min(rest.size(), record - gathered);
      if (gathered == 0 && take == record) {
        encrypt(rest.first(take));
      } else {
        std::memcpy(scratch.borrow().data() + gathered, rest.data(), take);
        gathered += take;
        if (gathered == record) {
          encrypt(scratch.borrow());
          gathered = 0;
        }
      }
      rest = rest.subspan(take);
      if (output_.size() >= flush_at) co_await flush();
    }
  }
  if (gathered > 0) encrypt(scratch.borrow().first(gathered));
  scratch.release();
  co_await flush();
}

rt::task<void> tls_stream::shutdown_send() {
  if (!shut_ && !broken_) {
    shut_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    co_await flush();
  }
  co_await inner_->shutdown_send();
}

}  // namespace atrium::net
