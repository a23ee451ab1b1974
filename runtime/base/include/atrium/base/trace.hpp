/// @file trace.hpp - the id that one action of a person has in every log, from the browser to the pod: a trace id of
/// W3C Trace Context (https://www.w3.org/TR/trace-context/). Layer: base.
/// A task carries one and hands it to its children (atrium/rt/task_node.hpp); log records have it as field `trace`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace atrium::trace {

/// 128 random bits; all zero: none. A label, never a secret and never a right to anything.
struct id {
  std::uint64_t high = 0, low = 0;
  explicit operator bool() const noexcept { return (high | low) != 0; }
  bool operator==(const id&) const = default;
  /// 32 lower-case hex digits; empty for none.
  std::string text() const;
};

/// A new id. Any thread.
id make() noexcept;

/// From 32 lower-case hex digits; none when it is anything else.
id parse(std::string_view text) noexcept;
/// The trace id of a `traceparent` (version 00, or what a later version promises to keep of it); none when it is not
/// valid.
id parse_traceparent(std::string_view value) noexcept;
/// `traceparent` for a request to the next service, with a parent id of its own. Call with an id.
std::string to_traceparent(id);

/// The id of what this thread works on now, or none. Any thread.
id current() noexcept;
/// Who knows it: the loops' layer says so once, before main().
void set_source(id (*source)() noexcept) noexcept;

}  // namespace atrium::trace
