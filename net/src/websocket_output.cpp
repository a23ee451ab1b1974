#include "websocket_output.hpp"

#include <algorithm>
#include <cstring>

namespace atrium::net::ws {
namespace {

constexpr std::size_t joined_bytes = 16 * 1024;  // of frames in one piece
constexpr std::size_t copied_bytes = 4 * 1024;   // payloads up to it are copied
constexpr std::size_t joined_frame = 1024;       // shared frames up to it are copied behind others
constexpr std::size_t spares = 64, smallest_spare = 512, largest_spare = 2 * joined_bytes;

}  // namespace

/// Memory that empty queues leave to the next ones.
struct output::spare {
  std::vector<std::vector<piece>> queues;
  std::vector<std::string> texts;
  spare() {
    queues.reserve(spares);
    texts.reserve(spares);
  }
  static spare& of_thread() {
    thread_local spare kept;
    return kept;
  }
};

output::piece& output::push() {
  if (pieces_.capacity() == 0)
    if (auto& kept = spare::of_thread().queues; !kept.empty()) {
      pieces_ = std::move(kept.back());
      kept.pop_back();
    }
  return pieces_.emplace_back();
}

/// The text at the end that takes `bytes` more.
std::string& output::room(std::size_t bytes) {
  if (!empty())
    if (auto& last = pieces_.back(); !last.shared && last.own.size() + bytes <= joined_bytes) return last.own;
  auto& fresh = push();
  if (auto& kept = spare::of_thread().texts; !kept.empty()) {
    fresh.own = std::move(kept.back());
    kept.pop_back();
  } else {
    fresh.own.reserve(smallest_spare);
  }
  return fresh.own;
}

std::size_t output::add(opcode op, std::span<const std::byte> payload, const std::optional<mask_key>& mask) {
  const auto head = make_head(op, payload.size(), mask);
  auto& to = room(head.size + payload.size());
  to.append(reinterpret_cast<const char*>(head.bytes.data()), head.size);
  to.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (mask) apply_mask({reinterpret_cast<std::byte*>(to.data() + to.size() - payload.size()), payload.size()}, *mask);
  return head.size + payload.size();
}

std::size_t output::add(opcode op, std::string payload, const std::optional<mask_key>& mask) {
  const std::span bytes(reinterpret_cast<std::byte*>(payload.data()), payload.size());
  if (payload.size() <= copied_bytes) return add(op, std::span<const std::byte>(bytes), mask);
  if (mask) apply_mask(bytes, *mask);
  const auto head = make_head(op, payload.size(), mask);
  room(head.size).append(reinterpret_cast<const char*>(head.bytes.data()), head.size);
  const auto size = head.size + payload.size();
  push().own = std::move(payload);
  return size;
}

std::size_t output::add(const std::shared_ptr<const std::string>& frame) {
  if (!empty() && frame->size() <= joined_frame) room(frame->size()).append(*frame);
  else push().shared = frame;
  return frame->size();
}

std::size_t output::next(std::span<iovec> parts) const noexcept {
  const auto count = std::min(parts.size(), pieces_.size() - first_);
  for (std::size_t i = 0; i < count; ++i) {
    const auto rest = pieces_[first_ + i].rest();
    parts[i] = {const_cast<char*>(rest.data()), rest.size()};
  }
  return count;
}

void output::consume(std::size_t bytes) noexcept {
  std::size_t done = 0;
  for (auto i = first_; i < pieces_.size(); ++i, ++done) {
    auto& p = pieces_[i];
    const auto rest = p.rest().size();
    if (bytes < rest) {
      p.sent += bytes;
      break;
    }
    bytes -= rest;
  }
  pop(done);
}

void output::pop(std::size_t count) noexcept {
  auto& kept = spare::of_thread();
  for (; count > 0; --count, ++first_) {
    auto& done = pieces_[first_];
    done.shared.reset();
    auto text = std::move(done.own);
    if (text.capacity() < smallest_spare || text.capacity() > largest_spare || kept.texts.size() >= spares) continue;
    text.clear();
    kept.texts.push_back(std::move(text));
  }
  if (!empty()) {
    if (first_ < pieces_.size() / 2) return;
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
  } else {
    pieces_.clear();
    if (pieces_.capacity() > 0 && pieces_.capacity() <= 256 && kept.queues.size() < spares)
      kept.queues.push_back(std::move(pieces_));
    pieces_ = {};
  }
  first_ = 0;
}

}  // namespace atrium::net::ws
