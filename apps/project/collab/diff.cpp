#include "apps/project/collab/diff.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project {

namespace {

/// `length` items that stand in both sequences.
struct match {
  std::size_t from, to, length;
};

using ids = std::vector<std::uint32_t>;

/// Longest common subsequence as matches in order, or nullopt when more than `limit` items differ.
std::optional<std::vector<match>> common(const ids& a, const ids& b, int limit) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  limit = std::min(limit, n + m);
  std::vector<std::vector<int>> trace;  // furthest x of each diagonal -d..d, after d edits
  std::vector<int> v(static_cast<std::size_t>(2 * limit + 3), 0);
  const auto at = [&](int k) -> int& { return v[static_cast<std::size_t>(k + limit + 1)]; };
  for (int d = 0; d <= limit; ++d) {
    for (int k = -d; k <= d; k += 2) {
      int x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      if (d == 0) x = 0;
      while (x < n && x - k < m && a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(x - k)]) ++x;
      at(k) = x;
      if (x < n || x - k < m) continue;
      // Found: walk the trace back.
      std::vector<match> out;
      int px = n, py = m;
      for (int e = d; e >= 0; --e) {
        const int diagonal = px - py;
        int start_x = 0;
        int before_x = 0, before_y = 0;
        if (e > 0) {
          const auto& w = trace[static_cast<std::size_t>(e - 1)];  // diagonals -(e-1)..(e-1)
          const auto old = [&](int q) {
            return q < -(e - 1) || q > e - 1 ? -1 : w[static_cast<std::size_t>(q + e - 1)];
          };
          const bool down = diagonal == -e || (diagonal != e && old(diagonal - 1) < old(diagonal + 1));
          before_x = down ? old(diagonal + 1) : old(diagonal - 1);
          before_y = before_x - (down ? diagonal + 1 : diagonal - 1);
          start_x = down ? before_x : before_x + 1;
        }
        if (px > start_x)
          out.push_back({static_cast<std::size_t>(start_x), static_cast<std::size_t>(start_x - diagonal),
                         static_cast<std::size_t>(px - start_x)});
        px = before_x;
        py = before_y;
      }
      std::ranges::reverse(out);
      return out;
    }
    std::vector<int> row;
    row.reserve(static_cast<std::size_t>(2 * d + 1));
    for (int k = -d; k <= d; ++k) row.push_back((k + d) % 2 == 0 ? at(k) : -1);
    trace.push_back(std::move(row));
  }
  return std::nullopt;
}

std::size_t common_prefix(std::u16string_view a, std::u16string_view b) {
  const auto n = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  if (i > 0 && is_high_surrogate(a[i - 1])) --i;
  return i;
}

std::size_t common_suffix(std::u16string_view a, std::u16string_view b) {
  const auto n = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < n && a[a.size() - 1 - i] == b[b.size() - 1 - i]) ++i;
  if (i > 0 && is_low_surrogate(a[a.size() - i])) --i;
  return i;
}

std::vector<std::u16string_view> split_lines(std::u16string_view text) {
  std::vector<std::u16string_view> out;
  while (!text.empty()) {
    const auto end = text.find(u'\n');
    const auto length = end == std::u16string_view::npos ? text.size() : end + 1;
    out.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

std::vector<std::u16string_view> split_characters(std::u16string_view text) {
  std::vector<std::u16string_view> out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = is_high_surrogate(text[i]) && i + 1 < text.size() && is_low_surrogate(text[i + 1]) ? 2 : 1;
    out.push_back(text.substr(i, n));
    i += n;
  }
  return out;
}

using pieces = std::vector<std::u16string_view>;

std::u16string_view joined(const pieces& all, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  return {all[begin].data(), static_cast<std::size_t>(all[end - 1].data() + all[end - 1].size() - all[begin].data())};
}

constexpr std::size_t fine_limit = 4000;  // characters of a replaced stretch that are compared one by one

void write_diff(change_set::builder& out, std::u16string_view from, std::u16string_view to, bool by_line);

/// Compares two lists of pieces; what differs is written as replacement, or, of lines, compared by character.
void write_pieces(change_set::builder& out, const pieces& a, const pieces& b, int limit, bool refine) {
  std::unordered_map<std::u16string_view, std::uint32_t> known;
  const auto number = [&](const pieces& all) {
    ids numbers;
    numbers.reserve(all.size());
    for (const auto piece : all)
      numbers.push_back(known.try_emplace(piece, static_cast<std::uint32_t>(known.size())).first->second);
    return numbers;
  };
  const ids ia = number(a), ib = number(b);
  auto matches = common(ia, ib, limit).value_or(std::vector<match>{});
  matches.push_back({a.size(), b.size(), 0});
  std::size_t at_a = 0, at_b = 0;
  for (const auto& m : matches) {
    const auto old_text = joined(a, at_a, m.from), new_text = joined(b, at_b, m.to);
    if (refine && !old_text.empty() && !new_text.empty() && old_text.size() + new_text.size() <= fine_limit)
      write_diff(out, old_text, new_text, false);
    else out.insert(new_text).remove(old_text.size());
    out.keep(joined(a, m.from, m.from + m.length).size());
    at_a = m.from + m.length;
    at_b = m.to + m.length;
  }
}

void write_diff(change_set::builder& out, std::u16string_view from, std::u16string_view to, bool by_line) {
  const auto prefix = common_prefix(from, to);
  out.keep(prefix);
  from.remove_prefix(prefix);
  to.remove_prefix(prefix);
  const auto suffix = common_suffix(from, to);
  from.remove_suffix(suffix);
  to.remove_suffix(suffix);
  if (from.empty() || to.empty()) out.insert(to).remove(from.size());
  else if (by_line) write_pieces(out, split_lines(from), split_lines(to), 1000, true);
  else write_pieces(out, split_characters(from), split_characters(to), 300, false);
  out.keep(suffix);
}

}  // namespace

change_set diff(std::u16string_view from, std::u16string_view to) {
  change_set::builder out;
  write_diff(out, from, to, true);
  return std::move(out).done();
}

}  // namespace atrium::project
