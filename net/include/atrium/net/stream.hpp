/// @file stream.hpp - a connected byte stream, plain or TLS, behind one interface. Layer: net.
#pragma once

#include <memory>
#include <span>

#include "atrium/rt/io.hpp"

namespace atrium::net {

/// One reader and one writer at a time. @thread the loop's. @errors disconnected, timed_out, cancelled; TLS alerts:
/// disconnected
class stream {
 public:
  virtual ~stream() = default;
  /// Bytes read; 0 at a clean end of stream (TLS: close_notify).
  virtual rt::task<std::size_t> read_some(std::span<std::byte> into) = 0;
  /// Bytes in a buffer of the loop that is borrowed when they are here: waiting costs no memory. Empty at the end.
  virtual rt::task<rt::lent_bytes> receive();
  virtual rt::task<void> write_all(std::span<const std::byte> from) = 0;
  /// Gathered write; `parts` is consumed.
  virtual rt::task<void> write_all(std::span<iovec> parts) = 0;
  /// Bytes that could be read without waiting, possibly 0; an end or an error is left to read_some. Not beside a
  /// read_some.
  virtual std::size_t try_read(std::span<std::byte>) noexcept { return 0; }
  /// Bytes that could be written without waiting, possibly 0; an error is left to write_all. Not beside a write_all.
  virtual std::size_t try_write(std::span<const iovec>) noexcept { return 0; }
  /// Returns when read_some would not wait, without holding a buffer meanwhile: idle connections cost no memory.
  virtual rt::task<void> wait_readable() = 0;
  /// Ends our direction.
  virtual rt::task<void> shutdown_send() = 0;
  /// Cuts the connection now: pending and later calls end with end of stream or disconnected.
  virtual void abort() noexcept = 0;
  virtual rt::endpoint peer() const = 0;
  virtual bool secure() const noexcept = 0;
  /// The socket when this stream is plain (for splicing), else null.
  virtual rt::socket* plain_socket() noexcept { return nullptr; }
};

using stream_ptr = std::unique_ptr<stream>;

/// A plain stream over a connected socket.
stream_ptr make_stream(rt::socket);

}  // namespace atrium::net
