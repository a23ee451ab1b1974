/// @file counter.hpp - counts calls of operator new, for all to see in the file that ATRIUM_BENCH_COUNTER names.
/// Include in one file of a program. Layer: bench.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace bench {

inline std::uint64_t uncounted = 0;
inline std::uint64_t* allocations = &uncounted;

/// The counter is 8 bytes at the start of the file, shared with whoever maps or reads it.
inline void publish_counter() {
  const char* path = std::getenv("ATRIUM_BENCH_COUNTER");
  if (!path) return;
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, 4096) < 0) return;
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) allocations = static_cast<std::uint64_t*>(page);
  ::close(fd);
}

}  // namespace bench

void* operator new(std::size_t size) {
  std::atomic_ref(*bench::allocations).fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
