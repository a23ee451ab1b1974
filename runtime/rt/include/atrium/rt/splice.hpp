/// @file splice.hpp - moves bytes from socket to socket inside the kernel (splice(2)), for streams that carry much.
/// Layer: rt.
#pragma once

#include "atrium/rt/io.hpp"

namespace atrium::rt {

/// A pipe of the thread's pool, borrowed while bytes are on their way through it. @thread one
class splice_pipe {
 public:
  /// Takes one from the pool or makes one; not good() when there are no descriptors left.
  splice_pipe() noexcept;
  /// An empty pipe goes back into the pool, another one is closed.
  ~splice_pipe();
  splice_pipe(const splice_pipe&) = delete;
  bool good() const noexcept { return static_cast<bool>(ends_.read); }

  /// Whether these two can be spliced: those of a simulation cannot.
  static bool can_join(const socket& from, const socket& to) noexcept;
  /// Moves what `from` holds into the pipe, which must be empty; waits until there is something. Bytes, 0 at the end of
  /// the stream. @errors disconnected
  task<std::size_t> fill(socket& from);
  /// Moves everything from the pipe into `to`. @errors disconnected
  task<void> drain(socket& to);

 private:
  struct ends {
    unique_fd read, write;
  };
  static std::vector<ends>& spare();

  ends ends_;
  std::size_t held_ = 0;
};

}  // namespace atrium::rt
