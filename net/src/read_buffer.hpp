/// @file read_buffer.hpp - read buffers lent by a free list of the thread, so that idle connections hold none. Layer:
/// net.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace atrium::net {

/// Borrowed only while bytes are in it or being read. @thread one
class read_buffer {
 public:
  static constexpr std::size_t size = 16 * 1024;
  read_buffer() noexcept = default;
  read_buffer(const read_buffer&) = delete;
  ~read_buffer() { release(); }
  /// The whole buffer; the same one until release().
  std::span<std::byte> borrow();
  void release() noexcept;
  explicit operator bool() const noexcept { return static_cast<bool>(bytes_); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace atrium::net
