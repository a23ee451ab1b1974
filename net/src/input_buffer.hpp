/// @file input_buffer.hpp - bytes read from a stream and not consumed yet. Layer: net, private.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "atrium/net/stream.hpp"
#include "read_buffer.hpp"

namespace atrium::net {

/// One contiguous block that grows by doubling; release() gives it back, so that an idle connection holds nothing.
class input_buffer {
 public:
  input_buffer() = default;
  explicit input_buffer(std::string_view content) { append(content); }
  input_buffer(const input_buffer&) = delete;
  ~input_buffer() { give_block(std::move(bytes_), capacity_); }

  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.get()) + begin_, end_ - begin_};
  }
  bool empty() const noexcept { return begin_ == end_; }
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void release() noexcept {
    if (!empty() || !bytes_) return;
    give_block(std::move(bytes_), capacity_);
    capacity_ = 0;
  }
  void append(std::string_view content) {
    make_room(content.size());
    if (content.empty()) return;
    std::memcpy(bytes_.get() + end_, content.data(), content.size());
    end_ += content.size();
  }
  /// Reads once; bytes added, 0 at the end of the stream. Views are invalid afterwards.
  rt::task<std::size_t> fill(stream& from, std::size_t least_room = 2048) {
    const auto n = co_await from.read_some(room(least_room));
    end_ += n;
    co_return n;
  }
  /// Adds what can be read without waiting; false when that is nothing, for whatever reason: fill() finds out.
  bool try_fill(stream& from, std::size_t least_room = 2048) {
    const auto n = from.try_read(room(least_room));
    end_ += n;
    return n > 0;
  }
  std::string take() {
    std::string out(view());
    begin_ = end_ = 0;
    release();
    return out;
  }

 private:
  std::span<std::byte> room(std::size_t least) {
    make_room(least);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void make_room(std::size_t room) {
    if (capacity_ - end_ >= room && bytes_) return;
    const std::size_t used = end_ - begin_;
    std::size_t wanted = capacity_ ? capacity_ : read_buffer::head;
    while (wanted - used < room) wanted *= 2;
    if (wanted > capacity_) {
      auto larger = take_block(wanted);
      if (used) std::memcpy(larger.get(), bytes_.get() + begin_, used);
      give_block(std::exchange(bytes_, std::move(larger)), capacity_);
      capacity_ = wanted;
    } else if (used) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, used);
    }
    begin_ = 0;
    end_ = used;
  }

  memory_block bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace atrium::net
