#include "atrium/pg/snapshot.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace atrium::pg {

namespace {

/// The number at the start of `text`, which it is cut off from.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

result<snapshot> snapshot::parse(std::string_view text) {
  const auto malformed = [&] {
    return error(disposition::invalid, "The database sent a snapshot that cannot be read.")
        .with_peer_text(std::string(text));
  };
  auto rest = text;
  snapshot out;
  out.valid_ = true;
  if (!take_number(rest) || !take(rest, ':')) return malformed();
  const auto end = take_number(rest);
  if (!end || !take(rest, ':')) return malformed();
  out.end_ = static_cast<std::uint32_t>(*end);
  while (!rest.empty()) {
    const auto running = take_number(rest);
    if (!running) return malformed();
    out.running_.push_back(static_cast<std::uint32_t>(*running));
    if (!rest.empty() && (!take(rest, ',') || rest.empty())) return malformed();
  }
  std::sort(out.running_.begin(), out.running_.end());
  return out;
}

bool snapshot::sees(std::uint32_t transaction) const noexcept {
  if (!valid_ || static_cast<std::int32_t>(transaction - end_) >= 0) return false;
  return !std::binary_search(running_.begin(), running_.end(), transaction);
}

}  // namespace atrium::pg
