#include "read_buffer.hpp"

#include <vector>

namespace atrium::net {

namespace {

struct free_list {
  explicit free_list(std::size_t most) { blocks.reserve(most); }
  std::vector<memory_block> blocks;
};

free_list* list_of(std::size_t size) noexcept {
  thread_local free_list head(64), small(64), large(4);
  return size == read_buffer::head    ? &head
         : size == read_buffer::small ? &small
         : size == read_buffer::large ? &large
                                      : nullptr;
}

}  // namespace

memory_block take_block(std::size_t size) {
  auto* list = list_of(size);
  if (!list || list->blocks.empty()) return std::make_unique_for_overwrite<std::byte[]>(size);
  auto block = std::move(list->blocks.back());
  list->blocks.pop_back();
  return block;
}

void give_block(memory_block block, std::size_t size) noexcept {
  auto* list = list_of(size);
  if (list && block && list->blocks.size() < list->blocks.capacity()) list->blocks.push_back(std::move(block));
}

std::span<std::byte> read_buffer::borrow() {
  if (!bytes_) bytes_ = take_block(size_);
  return {bytes_.get(), size_};
}

void read_buffer::release() noexcept {
  if (bytes_) give_block(std::move(bytes_), size_);
}

}  // namespace atrium::net
