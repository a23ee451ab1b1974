#include "apps/project/terminals/scrollback.hpp"

#include <algorithm>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project {

namespace {

constexpr std::size_t mark_distance = 4096;       // a cut may drop that much more than it must
constexpr std::size_t lineless_distance = 65536;  // without line breaks, any place between sequences will do
constexpr std::size_t longest_sequence = 4096;

/// Modes that change what a replay looks like or how the terminal answers; 7 and 25 are on by default.
bool kept_mode(unsigned n) {
  switch (n) {
    case 1:
    case 7:
    case 25:
    case 47:
    case 66:
    case 1000:
    case 1002:
    case 1003:
    case 1004:
    case 1005:
    case 1006:
    case 1015:
    case 1047:
    case 1049:
    case 2004:
      return true;
    default:
      return false;
  }
}
bool default_of(unsigned n) { return n == 7 || n == 25; }

std::string printable(std::string_view bytes) {
  auto text = utf8_to_utf16(bytes);
  if (!text) return {};
  std::erase_if(*text, [](char16_t c) { return c < 0x20 || c == 0x7F; });
  if (text->size() > 200) text->resize(200);
  return utf16_to_utf8(*text);
}

}  // namespace

void scrollback::append(std::string_view bytes) {
  data_ += bytes;
  follow(bytes);
  cut();
}

std::string_view scrollback::read(std::uint64_t position, std::size_t most) const noexcept {
  if (position < begin_ || position >= end()) return {};
  const auto all = std::string_view(data_).substr(dropped_);
  return all.substr(static_cast<std::size_t>(position - begin_), most);
}

std::string scrollback::prefix() const {
  std::string out;
  for (const auto& [n, on] : begin_modes_) out += "\x1b[?" + std::to_string(n) + (on ? "h" : "l");
  return out;
}

void scrollback::follow(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ != state::ground) {
      ++at_;
      step(static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
      continue;
    }
    const auto plain = bytes.substr(0, bytes.find('\x1b'));
    mark_plain(plain);
    bytes.remove_prefix(plain.size());
    if (bytes.empty()) return;
    ++at_;
    step(static_cast<unsigned char>(bytes.front()));
    bytes.remove_prefix(1);
  }
}

/// Text without escape sequences: any line start in it is a good place to cut.
void scrollback::mark_plain(std::string_view plain) {
  const auto start = at_;
  at_ += plain.size();
  auto place = at_;
  if (const auto line = plain.rfind('\n'); line != std::string_view::npos) place = start + line + 1;
  else if (plain.empty() || static_cast<unsigned char>(plain.back()) >= 0x80 || at_ - last_mark_ < lineless_distance)
    return;
  if (place - last_mark_ < mark_distance) return;
  marks_.push_back({place, modes_});
  last_mark_ = place;
}

void scrollback::step(unsigned char c) {
  switch (state_) {
    case state::ground:
      if (c == 0x1B) state_ = state::escape;
      return;
    case state::escape:
      sequence_.clear();
      if (c == '[') {
        state_ = state::csi;
      } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
        state_ = state::string;
        string_kind_ = static_cast<char>(c);
      } else if (c == 'c') {  // RIS: everything as at the start
        modes_.clear();
        state_ = state::ground;
      } else if (c != 0x1B && (c < 0x20 || c > 0x2F)) {  // intermediates go on
        state_ = state::ground;
      }
      return;
    case state::csi:
      if (c == 0x1B) {
        state_ = state::escape;
      } else if (c == 0x18 || c == 0x1A) {
        state_ = state::ground;
      } else if (c >= 0x40 && c <= 0x7E) {
        csi_done(static_cast<char>(c));
        state_ = state::ground;
      } else if (c >= 0x20 && sequence_.size() < longest_sequence) {
        sequence_ += static_cast<char>(c);
      }
      return;
    case state::string:
      if (c == 0x07 || c == 0x18 || c == 0x1A) {
        if (c == 0x07) string_done();
        state_ = state::ground;
      } else if (c == 0x1B) {
        state_ = state::string_escape;
      } else if (sequence_.size() < longest_sequence) {
        sequence_ += static_cast<char>(c);
      }
      return;
    case state::string_escape:
      string_done();  // ESC ends a string, whatever follows; "\" belongs to it
      state_ = state::ground;
      if (c != '\\') {
        state_ = state::escape;
        step(c);
      }
      return;
  }
}

void scrollback::csi_done(char final) {
  if (final == 'p' && sequence_ == "!") modes_.clear();  // DECSTR
  if ((final != 'h' && final != 'l') || !sequence_.starts_with('?')) return;
  const bool on = final == 'h';
  unsigned n = 0;
  for (std::size_t i = 1; i <= sequence_.size(); ++i) {
    if (i < sequence_.size() && sequence_[i] >= '0' && sequence_[i] <= '9') {
      n = std::min(n * 10 + static_cast<unsigned>(sequence_[i] - '0'), 100'000u);
      continue;
    }
    if (kept_mode(n)) {
      if (on == default_of(n)) modes_.erase(n);
      else modes_[n] = on;
    }
    n = 0;
  }
}

void scrollback::string_done() {
  if (string_kind_ == ']' && (sequence_.starts_with("0;") || sequence_.starts_with("2;")))
    title_ = printable(sequence_.substr(2));
}

void scrollback::cut() {
  const auto kept = data_.size() - dropped_;
  if (kept <= limit_) return;
  const auto wanted = begin_ + (kept - limit_);
  while (!marks_.empty() && marks_.front().position < wanted) marks_.pop_front();
  auto to = end();  // one endless sequence: nothing of it can be shown from its middle
  if (marks_.empty()) {
    begin_modes_ = modes_;
  } else {
    to = marks_.front().position;
    begin_modes_ = std::move(marks_.front().active);
    marks_.pop_front();
  }
  dropped_ += static_cast<std::size_t>(to - begin_);
  begin_ = to;
  if (dropped_ > limit_ / 2) {
    data_.erase(0, dropped_);
    dropped_ = 0;
  }
}

}  // namespace atrium::project
