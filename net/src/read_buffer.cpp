#include "read_buffer.hpp"

#include <vector>

namespace atrium::net {

namespace {

constexpr std::size_t kept = 64;

std::vector<std::unique_ptr<std::byte[]>>& free_list() noexcept {
  thread_local std::vector<std::unique_ptr<std::byte[]>> list;
  return list;
}

}  // namespace

std::span<std::byte> read_buffer::borrow() {
  if (!bytes_) {
    auto& list = free_list();
    if (list.empty()) {
      list.reserve(kept);
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
    } else {
      bytes_ = std::move(list.back());
      list.pop_back();
    }
  }
  return {bytes_.get(), size};
}

void read_buffer::release() noexcept {
  if (!bytes_) return;
  auto& list = free_list();
  if (list.size() < list.capacity()) list.push_back(std::move(bytes_));
  bytes_.reset();
}

}  // namespace atrium::net
