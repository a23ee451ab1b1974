// JSON that browsers, API clients and projects send: requests on sockets, arguments of calls, reports; and the columns
// in which some of it is kept.
#include "apps/domain/project.hpp"
#include "apps/domain/quota.hpp"
#include "apps/hub-next/api.hpp"
#include "apps/hub-websocket/methods.hpp"
#include "apps/hub-websocket/request.hpp"
#include "apps/manage-state/usage.hpp"
#include "apps/project/collab/unicode.hpp"
#include "apps/project/session/parameters.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;
namespace json = boost::json;

namespace {

/// What is wrong with a parameter is said by a failure(invalid), nothing else.
template <class Read>
void refused_or_read(Read read) {
  try {
    (void)read();
  } catch (const failure& f) {
    ATRIUM_ASSERT(f.disposition() == disposition::invalid && !f.error().public_text().empty(), "people are told why");
  }
}

void to_hub(std::string_view text) {
  hub_websocket::request r;
  if (const auto problem = hub_websocket::parse_request(text, r)) {
    ATRIUM_ASSERT(!problem->public_text().empty(), "people are told why");
    return;
  }
  ATRIUM_ASSERT(r.id, "a request has a number");
  (void)hub_websocket::find_method(r.method);
  (void)hub_websocket::number_parameter(r.params, "n");
  static pg::pool unused({});
  hub_websocket::call c{unused, {}, r.params};
  refused_or_read([&] { return c.text("t"); });
  refused_or_read([&] { return c.flag("f"); });
  refused_or_read([&] { return c.integer("n"); });
  refused_or_read([&] { return c.project(); });
}

void to_api(const json::object& o) {
  const hub_next::arguments in(o);
  refused_or_read([&] { return in.text("t"); });
  refused_or_read([&] { return in.flag("f"); });
  refused_or_read([&] { return in.maybe_number("n"); });
  refused_or_read([&] { return in.project(); });
  refused_or_read([&] { return in.maybe_account("a"); });
  refused_or_read([&] { return in.maybe_time("d"); });
}

void to_project(const json::object& o) {
  refused_or_read([&] { return project::text_parameter(o, "t"); });
  refused_or_read([&] { return project::texts_parameter(o, "l"); });
  refused_or_read([&] { return project::path_parameter(o, "p", true); });
  refused_or_read([&] {
    const auto n = project::number_parameter(o, "n", 2000);
    ATRIUM_ASSERT(n <= 2000, "numbers keep to their limit");
    return n;
  });
}

void kept(std::string_view text) {
  const auto state = domain::parse_state(text);
  ATRIUM_ASSERT(domain::parse_state(domain::to_json(state)) == state, "a state said again is the same");
  if (const auto request = domain::parse_action_request(text))
    ATRIUM_ASSERT(domain::parse_action_request(domain::to_json(*request)) == request, "and so is a request");
  const auto timeline = domain::parse_timeline(text);
  ATRIUM_ASSERT(domain::parse_timeline("{\"start\":" + domain::to_json(timeline) + "}") == timeline, "and a timeline");
  const auto quota = domain::parse_run_quota(text);
  ATRIUM_ASSERT(domain::parse_run_quota(domain::to_json(quota)) == quota, "and a quota");
  const auto computed = domain::compute_run_quota(domain::parse_default_quotas(text), text);
  ATRIUM_ASSERT(computed.memory_request <= computed.memory_limit && computed.cpu_request <= computed.cpu_limit,
                "requests keep to their limits");
  (void)domain::parse_users(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto text = in.rest();
  to_hub(text);
  json::error_code problem;
  const auto value = json::parse(project::without_lone_surrogate_escapes(std::string(text)), problem);
  if (!problem && value.is_object()) {
    to_api(value.get_object());
    to_project(value.get_object());
  }
  const auto now = domain::timestamp(std::chrono::seconds(1'700'000'000));
  if (const auto report = manage_state::parse_report(text, now))
    ATRIUM_ASSERT(report->last_activity <= now && report->memory_bytes >= 0 && report->cpu_seconds >= 0,
                  "no project is of the future");
  kept(text);
  return 0;
}
