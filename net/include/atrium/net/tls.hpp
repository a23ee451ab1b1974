/// @file tls.hpp - TLS 1.2 and 1.3 on our streams (OpenSSL 3 with memory BIOs). Layer: net.
#pragma once

#include "atrium/net/stream.hpp"

namespace atrium::net {

/// Certificates and policy for many connections. One per thread.
class tls_context {
 public:
  /// PEM texts. @errors invalid
  static std::shared_ptr<tls_context> server(std::string_view certificate_chain_pem, std::string_view private_key_pem);
  /// Verifies peers against `ca_pem` (empty: the system's store). Client certificate optional.
  static std::shared_ptr<tls_context> client(std::string_view ca_pem = {}, std::string_view certificate_pem = {},
                                             std::string_view private_key_pem = {}, bool verify = true);
  virtual ~tls_context() = default;
  /// Handshake as server or client (`name`: SNI and the name or address that is verified). How long it may take is the
  /// caller's matter (rt::with_timeout). Clients resume sessions by name. The context must outlive the stream.
  /// @errors disconnected (code tls.protocol, or tls.truncated when the peer left), denied (certificate)
  virtual rt::task<stream_ptr> handshake_server(stream_ptr) = 0;
  virtual rt::task<stream_ptr> handshake_client(stream_ptr, std::string name) = 0;
  /// Handshakes of this client context that resumed a session.
  virtual std::uint64_t resumed() const noexcept = 0;
};

struct certificate {
  std::string certificate_pem, private_key_pem;
};
/// A CA and a server certificate signed by it for these names and addresses (ECDSA P-256), for devcluster and tests.
struct self_signed {
  std::string ca_pem;
  certificate server;
};
self_signed make_self_signed(const std::vector<std::string>& names, unsigned days = 3650);

}  // namespace atrium::net
