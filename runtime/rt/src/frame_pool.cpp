// Coroutine frames by size class, one set of free lists a thread. A frame that is freed on another thread than it was
// made on simply joins that thread's list: loops do not hand tasks over, so that is rare.
#include <cstdlib>
#include <new>

#include "atrium/rt/task.hpp"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ATRIUM_POOL_FRAMES 0  // let the sanitizers see every frame's end
#else
#define ATRIUM_POOL_FRAMES 1
#endif

namespace atrium::rt::detail {
namespace {

// Class c has frames of c granules less the word that malloc keeps beside a block: idle connections are little but
// frames.
constexpr std::size_t granule = 32, largest = 4096, classes = largest / granule, kept_per_class = 256;
constexpr std::size_t overhead = sizeof(void*);

struct free_frame_node {
  free_frame_node* next;
};

struct pool {
  free_frame_node* head[classes + 1] = {};
  std::size_t count[classes + 1] = {};
  ~pool() {
    for (auto* node : head)
      while (node) ::operator delete(std::exchange(node, node->next));
  }
};
thread_local pool frames;

constexpr std::size_t class_of(std::size_t size) noexcept { return (size + overhead + granule - 1) / granule; }

}  // namespace

void* allocate_frame(std::size_t size) {
  const auto c = class_of(size);
  if (!ATRIUM_POOL_FRAMES || c > classes) return ::operator new(size);
  if (auto* node = frames.head[c]) {
    frames.head[c] = node->next;
    --frames.count[c];
    return node;
  }
  return ::operator new(c * granule - overhead);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const auto c = class_of(size);
  if (!ATRIUM_POOL_FRAMES || c > classes || frames.count[c] >= kept_per_class) return ::operator delete(frame);
  frames.head[c] = new (frame) free_frame_node{frames.head[c]};
  ++frames.count[c];
}

}  // namespace atrium::rt::detail
