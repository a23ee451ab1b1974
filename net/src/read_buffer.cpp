#include "read_buffer.hpp"

#include <vector>

namespace atrium::net {

namespace {

using free_list = std::vector<std::unique_ptr<std::byte[]>>;

constexpr std::size_t kept_small = 64, kept_large = 4;

free_list& list_of(std::size_t size) noexcept {
  thread_local free_list small, large;
  return size == read_buffer::small ? small : large;
}

}  // namespace

std::span<std::byte> read_buffer::borrow() {
  if (!bytes_) {
    auto& list = list_of(size_);
    if (list.empty()) {
      list.reserve(size_ == small ? kept_small : kept_large);
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(size_);
    } else {
      bytes_ = std::move(list.back());
      list.pop_back();
    }
  }
  return {bytes_.get(), size_};
}

void read_buffer::release() noexcept {
  if (!bytes_) return;
  auto& list = list_of(size_);
  if (list.size() < list.capacity()) list.push_back(std::move(bytes_));
  bytes_.reset();
}

}  // namespace atrium::net
