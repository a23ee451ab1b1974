// From a committed request to the POST of its Pod: bench_start CONNINFO IDLE BURST. An API double that time-stamps the
// POSTs, and whoever asks. Prints the port of the API, waits until a worker watches ConfigMaps, then prints JSON.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "api_double.hpp"
#include "apps/domain/project_pod.hpp"
#include "apps/store/accounts.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/project_actions.hpp"
#include "apps/store/projects.hpp"

using namespace atrium;
using namespace std::chrono_literals;

namespace {

double ms(rt::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

struct stage {
  explicit stage(const char* conninfo) : pool({.conninfo = conninfo, .connections = 4}) {
    api.on_pod = [this](std::string_view name) {
      posted.try_emplace(std::string(name), rt::clock::now());
      arrived.notify_all();
    };
  }
  pg::pool pool;
  store::projects projects{pool};
  store::project_actions actions{pool};
  bench::api_double api;
  domain::account_id owner;
  std::unordered_map<std::string, rt::time_point> posted;
  rt::condition arrived;
};

rt::task<std::vector<domain::project_id>> make_projects(stage& s, int count) {
  std::vector<domain::project_id> out;
  for (int i = 0; i < count; ++i) out.push_back((co_await s.projects.create({s.owner, "bench", ""})).project_id);
  co_return out;
}

rt::task<void> until_posted(stage& s, std::size_t count) {
  while (s.posted.size() < count) co_await s.arrived.wait();
}

/// All requests are carried out to the end, and none was refused.
rt::task<int> until_finished(stage& s, std::size_t count) {
  for (;;) {
    const auto r = co_await s.pool.query(
        "SELECT count(*) FILTER (WHERE action_request->>'finished' IS NOT NULL), "
        "count(*) FILTER (WHERE action_request->>'err' <> '') FROM projects WHERE action_request IS NOT NULL");
    if (r.one().get<std::size_t>(0) >= count) co_return r.one().get<int>(1);
    co_await rt::sleep_for(5ms);
  }
}

rt::task<void> forget(stage& s) {
  co_await s.pool.query("UPDATE projects SET action_request = NULL, state = '{\"state\": \"opened\"}', status = NULL");
  s.posted.clear();
}

void print_spread(const char* name, std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const auto at = [&](double q) { return v[std::min(v.size() - 1, std::size_t(q * double(v.size())))]; };
  std::printf("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, at(0.5), at(0.99), v.back());
}

/// As project_actions::request does it, for one project or (empty) all. When the request was committed.
rt::task<rt::time_point> ask(stage& s, std::string project) {
  co_await s.pool.query(
      "UPDATE projects SET action_fence = action_fence + 1, action_lease_owner = NULL, action_lease_until = NULL, "
      "action_request = jsonb_build_object('action', 'start', 'time', $1::text, 'started', NULL, 'finished', NULL) "
      "WHERE $2 = '' OR project_id::text = $2",
      {domain::to_iso8601(domain::now()), project});
  const auto committed = rt::clock::now();
  co_await s.pool.query("NOTIFY " + std::string(store::action_channel));
  co_return committed;
}

/// One at a time, with nothing else to do.
rt::task<void> idle(stage& s, const std::vector<domain::project_id>& all) {
  std::vector<double> whole, asking;
  for (const auto& id : all) {
    const auto before = rt::clock::now();
    const auto committed = co_await ask(s, id.str());
    asking.push_back(ms(committed - before));
    const auto name = domain::pod_name(id);
    while (!s.posted.contains(name)) co_await s.arrived.wait();
    whole.push_back(ms(s.posted[name] - committed));
    co_await rt::sleep_for(20ms);
  }
  std::printf("{\"phase\": \"idle\", ");
  print_spread("posted", whole);
  std::printf(", ");
  print_spread("asking", asking);
  std::printf("}\n");
  std::fflush(stdout);
}

rt::task<void> burst(stage& s, std::size_t count) {
  const auto committed = co_await ask(s, "");
  co_await until_posted(s, count);
  std::vector<double> each;
  for (const auto& [name, when] : s.posted) each.push_back(ms(when - committed));
  const int refused = co_await until_finished(s, count);
  std::printf("{\"phase\": \"burst\", ");
  print_spread("posted", each);
  std::printf(", \"finished\": %.1f, \"refused\": %d}\n", ms(rt::clock::now() - committed), refused);
}

rt::task<void> run(const char* conninfo, int idle_count, int burst_count) {
  stage s(conninfo);
  {
    auto session = co_await s.pool.acquire();
    co_await store::migrate(*session);
  }
  s.owner = (co_await store::accounts(s.pool).create({"ada@example.org", "", "Ada", "Bench", ""})).account_id;
  auto all = co_await make_projects(s, burst_count);
  auto l = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  rt::scope serving(&co_await rt::this_task());
  serving.spawn(s.api.serve(l), "api");
  std::printf("%u\n", unsigned(l.local().port()));
  std::fflush(stdout);
  // The first request is on the table before a worker listens: when its Pod comes, the worker is ready.
  co_await s.actions.request(all[0], s.owner, domain::action_name::start);
  co_await until_posted(s, 1);
  co_await rt::sleep_for(200ms);
  co_await forget(s);
  co_await idle(s, {all.begin(), all.begin() + std::min(idle_count, burst_count)});
  co_await rt::sleep_for(200ms);
  for (int i = 0; i < 3; ++i) {
    co_await forget(s);
    co_await burst(s, all.size());
    std::fflush(stdout);
  }
  serving.cancel(rt::cancel_reason::shutdown);
  try {
    co_await serving.join();
  } catch (const failure&) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  rt::loop().run(run(argv[1], std::atoi(argv[2]), std::atoi(argv[3])));
}
