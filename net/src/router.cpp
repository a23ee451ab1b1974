#include <algorithm>
#include <forward_list>

#include "atrium/base/assert.hpp"
#include "atrium/net/server.hpp"

namespace atrium::net {

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  out.reserve(1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')));
  while (true) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view s) { return s.starts_with('{'); }
bool is_rest(std::string_view s) { return s.ends_with("*}"); }
std::string_view name_of(std::string_view s) { return s.substr(1, s.size() - (is_rest(s) ? 3 : 2)); }

/// A path's segments, decoded.
class path_segments {
 public:
  explicit path_segments(std::string_view path) : segments_(split(path)) {
    for (auto& s : segments_) {
      if (s.find('%') != std::string_view::npos) {
        auto decoded = percent_decode(s);
        good_ = good_ && decoded;
        if (decoded) s = decoded_.emplace_front(std::move(*decoded));
      }
      // Dot segments mean different things to different servers on the way; clients resolve them before they ask.
      good_ = good_ && s != "." && s != "..";
    }
  }
  bool good() const noexcept { return good_; }
  std::size_t size() const noexcept { return segments_.size(); }
  std::string_view operator[](std::size_t i) const noexcept { return segments_[i]; }

 private:
  std::vector<std::string_view> segments_;
  std::forward_list<std::string> decoded_;  // stay where they are: segments_ points at them
  bool good_ = true;
};

/// Says how well a pattern fits, one mark a segment that compares as text: literal > parameter > rest. Empty: not at
/// all.
std::string match(const std::vector<std::string>& pattern, const path_segments& path) {
  std::string marks;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i >= path.size()) return {};
    if (is_rest(pattern[i])) return marks += 'a';
    if (is_parameter(pattern[i])) {
      if (path[i].empty()) return {};
      marks += 'b';
    } else {
      if (path[i] != pattern[i]) return {};
      marks += 'c';
    }
  }
  return pattern.size() == path.size() ? marks : std::string();
}

bool takes(std::string_view route_method, std::string_view method) {
  return route_method == "*" || route_method == method || (route_method == "GET" && method == "HEAD");
}

rt::task<void> refuse(exchange& x, unsigned status, const char* why) {
  co_await x.respond(response::json(status, std::string("{\"error\":\"") + why + "\"}"));
}

}  // namespace

std::string_view exchange::parameter(std::string_view name) const noexcept {
  const auto found = parameters_.find(name);
  return found == parameters_.end() ? std::string_view() : std::string_view(found->second);
}

void router::add(std::string method, std::string pattern, handler handle) {
  route r{std::move(method), {}, std::move(handle), pattern};
  for (auto s : split(pattern)) {
    ATRIUM_ASSERT(r.segments.empty() || !is_rest(r.segments.back()), "a rest stands at the end of a pattern");
    r.segments.emplace_back(s);
  }
  routes_.push_back(std::move(r));
}

void router::otherwise(handler handle) { otherwise_ = std::move(handle); }

rt::task<void> router::operator()(exchange& x) const {
  const path_segments path(x.request().path());
  if (!path.good()) co_return co_await refuse(x, 400, "The address asked for is malformed.");
  const route* best = nullptr;
  std::string best_marks, allow;
  for (const auto& r : routes_) {
    auto marks = match(r.segments, path);
    if (marks.empty()) continue;
    if (!takes(r.method, x.request().method)) {
      if (allow.find(r.method) == std::string::npos) allow.append(allow.empty() ? "" : ", ").append(r.method);
      if (r.method == "GET") allow += ", HEAD";
    } else if (!best || marks > best_marks) {
      best = &r;
      best_marks = std::move(marks);
    }
  }
  if (best) {
    for (std::size_t i = 0; i < best->segments.size(); ++i) {
      const auto& s = best->segments[i];
      if (!is_parameter(s)) continue;
      std::string value(path[i]);
      for (std::size_t j = i + 1; is_rest(s) && j < path.size(); ++j) value.append("/").append(path[j]);
      x.set_parameter(std::string(name_of(s)), std::move(value));
    }
    x.set_route(best->pattern);
    co_return co_await best->handle(x);
  }
  if (!allow.empty()) {
    auto answer = response::json(405, "{\"error\":\"This address does not take that method.\"}");
    answer.headers.add("Allow", std::move(allow));
    co_return co_await x.respond(std::move(answer));
  }
  if (otherwise_) co_return co_await otherwise_(x);
  co_await refuse(x, 404, "There is nothing at this address.");
}

}  // namespace atrium::net
