#include "request_trace.hpp"

namespace atrium::net {

namespace {

constexpr std::string_view field = "traceparent";

/// Of the field; none when it is missing, not valid, or there several times.
trace::id given_in(const headers& all, bool& several) {
  trace::id out;
  several = false;
  bool seen = false;
  for (const auto& [name, value] : all) {
    if (name.size() != field.size() || !equal_nocase(name, field)) continue;
    if (std::exchange(seen, true)) several = true;
    out = trace::parse_traceparent(value);
  }
  return several ? trace::id{} : out;
}

}  // namespace

trace::id trace_of(const request& r, const trace_policy& takes) {
  bool several = false;
  auto given = given_in(r.headers, several);
  if (!given && r.headers.contains("Upgrade") && r.query().find(field) != std::string_view::npos)
    given = trace::parse_traceparent(r.query_value(field).value_or(""));
  return given && (!takes || takes(r)) ? given : trace::make();
}

void set_traceparent(headers& all) {
  const auto ours = trace::current();
  if (!ours) return;
  bool several = false;
  if (given_in(all, several) == ours) return;
  all.set(field, trace::to_traceparent(ours));
}

}  // namespace atrium::net
