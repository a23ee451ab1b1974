/// @file websocket_output.hpp - frames on their way out: a queue of bytes that are copied once or shared. I/O-free.
/// Layer: net, private.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <utility>
#include <vector>

#include "atrium/net/websocket_codec.hpp"

namespace atrium::net::ws {

/// Small frames are joined in one piece, large payloads and shared frames are not copied. Empty queues hold no memory:
/// pieces come from spares of the thread.
class output {
 public:
  output() noexcept = default;
  output(output&& other) noexcept
      : pieces_(std::move(other.pieces_)), first_(std::exchange(other.first_, std::size_t{0})) {}
  output& operator=(output&&) = delete;
  ~output() { pop(pieces_.size() - first_); }

  /// Appends a frame of a message that is copied. Gives the size of the frame, as the others do.
  std::size_t add(opcode, std::span<const std::byte> payload, const std::optional<mask_key>&);
  /// The same; large payloads are kept.
  std::size_t add(opcode, std::string payload, const std::optional<mask_key>&);
  /// A frame that others send too; small ones are copied where they can be joined with the frame before.
  std::size_t add(const std::shared_ptr<const std::string>& frame);

  bool empty() const noexcept { return first_ == pieces_.size(); }
  /// What is next, at most `parts.size()` pieces: how many.
  std::size_t next(std::span<iovec> parts) const noexcept;
  /// That many bytes have been written.
  void consume(std::size_t bytes) noexcept;

 private:
  struct piece {
    std::string own;
    std::shared_ptr<const std::string> shared;  // instead of `own`
    std::size_t sent = 0;
    std::string_view rest() const noexcept { return std::string_view(shared ? *shared : own).substr(sent); }
  };
  struct spare;
  std::string& room(std::size_t bytes);
  piece& push();
  void pop(std::size_t count) noexcept;

  std::vector<piece> pieces_;
  std::size_t first_ = 0;  // those before it are done
};

}  // namespace atrium::net::ws
