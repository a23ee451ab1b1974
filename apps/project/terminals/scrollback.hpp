/// @file scrollback.hpp - the last output of a terminal, cut so that it can be shown again from its start. Layer: app
/// project. I/O-free.
///
/// A small parser follows the output (ECMA-48: escape, CSI, strings), so that the ring is cut at the start of a
/// line, never inside an escape sequence, and so that modes that were switched on before the cut (alternate screen,
/// mouse, bracketed paste, hidden cursor, ...) are switched on again by prefix(). It also reads titles (OSC 0 and 2).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace atrium::project {

class scrollback {
 public:
  explicit scrollback(std::size_t limit = 2u << 20) : limit_(limit) {}

  /// Appends output. What was kept may be cut at the front.
  void append(std::string_view bytes);

  /// Absolute positions in the whole output: [begin, end) is kept.
  std::uint64_t begin() const noexcept { return begin_; }
  std::uint64_t end() const noexcept { return begin_ + data_.size() - dropped_; }
  std::size_t limit() const noexcept { return limit_; }
  /// Bytes from `position` (>= begin()) on, at most `most`. Valid until the next append.
  std::string_view read(std::uint64_t position, std::size_t most) const noexcept;
  /// What to send before replaying from begin(): the modes as they were there.
  std::string prefix() const;

  const std::string& title() const noexcept { return title_; }

 private:
  enum class state : std::uint8_t { ground, escape, csi, string, string_escape };
  using modes = std::map<unsigned, bool>;  ///< DEC private modes that differ from their default
  struct mark {
    std::uint64_t position;
    modes active;
  };

  void follow(std::string_view bytes);
  void mark_plain(std::string_view plain);
  void step(unsigned char c);
  void csi_done(char final);
  void string_done();
  void cut();

  std::size_t limit_;
  std::string data_;  ///< the kept bytes behind `dropped_` dead ones (so that cutting rarely moves memory)
  std::size_t dropped_ = 0;
  std::uint64_t begin_ = 0;
  state state_ = state::ground;
  std::uint64_t at_ = 0;  ///< absolute position of the parser
  std::string sequence_;  ///< of the CSI or OSC being read, bounded
  char string_kind_ = 0;
  std::uint64_t last_mark_ = 0;
  std::deque<mark> marks_;
  modes modes_, begin_modes_;
  std::string title_;
};

}  // namespace atrium::project
