/// @file read_buffer.hpp - read buffers lent by a free list of the thread, so that idle connections hold none. Layer:
/// net.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace atrium::net {

using memory_block = std::unique_ptr<std::byte[]>;

/// A block from the thread's free list, else a new one. Sizes that have a list: those of read_buffer.
memory_block take_block(std::size_t size);
/// Into the free list while there is room.
void give_block(memory_block, std::size_t size) noexcept;

/// Borrowed only while bytes are in it or being read. @thread one
class read_buffer {
 public:
  static constexpr std::size_t head = 4 * 1024;  ///< for heads of messages
  static constexpr std::size_t small = 16 * 1024;
  static constexpr std::size_t large = 256 * 1024;  ///< for streams that fill small ones
  explicit read_buffer(std::size_t size = small) noexcept : size_(size) {}
  read_buffer(const read_buffer&) = delete;
  ~read_buffer() { release(); }
  /// The whole buffer; the same one until release().
  std::span<std::byte> borrow();
  void release() noexcept;
  explicit operator bool() const noexcept { return static_cast<bool>(bytes_); }

 private:
  std::size_t size_;
  memory_block bytes_;
};

}  // namespace atrium::net
