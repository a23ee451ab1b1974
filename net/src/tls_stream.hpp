/// @file tls_stream.hpp - one TLS connection: an SSL object between two byte streams. Layer: net.
#pragma once

#include <openssl/ssl.h>

#include "atrium/net/tls.hpp"
#include "atrium/rt/scope.hpp"
#include "atrium/rt/sync.hpp"
#include "read_buffer.hpp"

namespace atrium::net {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_free<Free>>;

/// Takes the thread's OpenSSL errors as one text for the log.
std::string take_openssl_errors();

/// SSL calls never suspend: they read from `input` and append to `output_`, so a reader and a writer task may use the
/// object at once. Only the sending of output_ takes turns.
class tls_stream final : public stream {
 public:
  tls_stream(SSL_CTX*, stream_ptr inner, std::string name);
  ~tls_stream() override;

  rt::task<void> handshake();
  rt::task<std::size_t> read_some(std::span<std::byte> into) override;
  rt::task<void> write_all(std::span<const std::byte> from) override;
  rt::task<void> write_all(std::span<iovec> parts) override;
  rt::task<void> wait_readable() override;
  rt::task<void> shutdown_send() override;
  void abort() noexcept override { inner_->abort(); }
  rt::endpoint peer() const override { return inner_->peer(); }
  bool secure() const noexcept override { return true; }

  SSL* ssl() const noexcept { return ssl_.get(); }
  /// The peer's name as verified: what its sessions are kept under.
  const std::string& name() const noexcept { return name_; }
  static tls_stream& of(const SSL*) noexcept;

  // Called by the BIO.
  int bio_read(char* into, int size) noexcept;
  int bio_write(const char* from, int size) noexcept;
  bool at_end() const noexcept { return ended_; }

 private:
  void encrypt(std::span<const std::byte> piece);
  rt::task<void> fill();
  rt::task<void> flush();
  /// Tries to let the peer know (an alert stands in output_), then throws.
  rt::task<void> give_up(const char* doing, int ssl_error);

  stream_ptr inner_;
  std::string name_;
  openssl_ptr<SSL, SSL_free> ssl_;
  read_buffer buffer_;
  std::span<const std::byte> input_;
  std::string output_;
  rt::mutex sending_;
  bool ended_ = false, broken_ = false, shut_ = false;
};

}  // namespace atrium::net
