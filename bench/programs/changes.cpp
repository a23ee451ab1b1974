// From a commit to browsers: bench_changes CONNINFO SUBSCRIBERS WATCHERS RATE SECONDS. As many sessions as accounts,
// each subscribed to its projects; WATCHERS accounts share a project; RATE projects a second get a new description.
// Prints a line when the tables are filled, reads WHO and the port of a hub from its input, prints JSON.
// WHO "peer" has no subscriptions: the account stands in the address and rows come unasked.
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "apps/domain/credentials.hpp"
#include "apps/store/migrations.hpp"
#include "apps/store/projects.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/pg/pool.hpp"
#include "atrium/rt/sync.hpp"

using namespace atrium;
using namespace std::chrono_literals;

namespace {

struct change {
  rt::time_point sent, answered;
  int seen = 0;
  rt::time_point last_seen;
};

struct stage {
  stage(const char* conninfo, int subscribers, int per_project)
      : pool({.conninfo = conninfo, .connections = 16}), watchers(per_project), accounts(std::size_t(subscribers)) {}
  pg::pool pool;
  int watchers;
  struct account {
    std::string id, token;
  };
  std::vector<account> accounts;
  std::vector<std::string> projects;
  std::vector<change> changes;
  std::size_t first_number = 0;  ///< of this round: a description is never written twice, which would be no change
  std::vector<double> from_sent, from_answer;
  int subscribed = 0;
  rt::condition progress;
  net::http_client client;
};

double ms(rt::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

rt::task<void> fill(stage& s) {
  {
    auto session = co_await s.pool.acquire();
    co_await store::migrate(*session);
  }
  auto session = co_await s.pool.acquire();
  co_await session->query("BEGIN");
  std::string users;
  int together = 0;
  for (auto& a : s.accounts) {
    a.id = domain::account_id::make_random().str();
    a.token = domain::new_session_token();
    co_await session->query(
        "INSERT INTO accounts (account_id, email_address, first_name, last_name, created) VALUES ($1::uuid, $2, 'Ada', "
        "'Bench', now())",
        {a.id, a.id + "@example.org"});
    co_await session->query(
        "INSERT INTO remember_me (hash, account_id, expire) VALUES ($1, $2::uuid, now() + interval '1 day')",
        {domain::session_hash(a.token), a.id});
    users += std::string(users.empty() ? "{" : ",") + "\"" + a.id + "\":{\"group\":\"" +
             (users.empty() ? "owner" : "collaborator") + "\"}";
    if (++together < s.watchers) continue;
    s.projects.push_back(domain::project_id::make_random().str());
    co_await session->query(
        "INSERT INTO projects (project_id, title, description, users, created, last_edited) VALUES ($1::uuid, 'Bench', "
        "'', $2::jsonb, now(), now())",
        {s.projects.back(), users + "}"});
    users.clear();
    together = 0;
  }
  co_await session->query("COMMIT");
  co_await session->query("ANALYZE");
}

void take(stage& s, std::string_view text) {
  constexpr std::string_view mark = "\"description\":\"n";
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return;
  std::size_t number = 0;
  std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), number);
  if (number < s.first_number || number - s.first_number >= s.changes.size()) return;
  auto& c = s.changes[number - s.first_number];
  ++c.seen;
  c.last_seen = rt::clock::now();
  s.from_sent.push_back(ms(c.last_seen - c.sent));
}

rt::task<void> subscribe(stage& s, const stage::account& a, net::origin at, bool peer) {
  net::request head{.target = peer ? "/hub?account=" + a.id : "/hub"};
  head.headers.add("Cookie", std::string(domain::session_cookie_name) + "=" + a.token);
  head.headers.add("Origin", "http://127.0.0.1:" + std::to_string(at.port));
  auto socket = co_await net::connect_websocket(s.client, at, std::move(head));
  if (!peer) co_await socket->send_text("{\"id\":1,\"method\":\"subscribe\",\"params\":{\"query\":\"projects\"}}");
  bool ready = false;
  while (auto m = co_await socket->receive()) {
    if (!ready && (peer || m->data.find("\"id\":1") != std::string::npos)) {
      ready = true;
      ++s.subscribed;
      s.progress.notify_all();
    } else {
      take(s, m->data);
    }
  }
  fail(disposition::disconnected, "a subscriber was disconnected");
}

/// Without all of them there is nothing to measure.
rt::task<void> subscriber(stage& s, const stage::account& a, net::origin at, bool peer) {
  try {
    co_await subscribe(s, a, std::move(at), peer);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    std::fprintf(stderr, "bench_changes: %s\n", f.error().describe().c_str());
    std::_Exit(1);
  }
}

/// Every `step` from `first` on.
rt::task<void> write(stage& s, std::size_t first, std::size_t step, rt::time_point from, rt::duration each) {
  for (auto i = first; i < s.changes.size(); i += step) {
    co_await rt::sleep_until(from + each * static_cast<int>(i));
    s.changes[i].sent = rt::clock::now();
    co_await s.pool.query("UPDATE projects SET description = $2 WHERE project_id = $1::uuid",
                          {s.projects[i * 7919 % s.projects.size()], "n" + std::to_string(s.first_number + i)});
    s.changes[i].answered = rt::clock::now();
  }
}

void print_spread(const char* name, std::vector<double>& v) {
  std::sort(v.begin(), v.end());
  const auto at = [&](double q) {
    return v.empty() ? -1 : v[std::min(v.size() - 1, std::size_t(q * double(v.size())))];
  };
  std::printf("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}, ", name, at(0.5), at(0.99), at(1));
}

rt::task<void> measure(stage& s, int rate, int seconds) {
  s.first_number += s.changes.size();
  s.changes.assign(std::size_t(rate * seconds), {});
  s.from_sent.clear();
  const auto from = rt::clock::now() + 50ms;
  rt::scope writers(&co_await rt::this_task());
  for (std::size_t i = 0; i < 16; ++i) writers.spawn(write(s, i, 16, from, rt::duration(1s) / rate), "write");
  co_await writers.join();
  const auto took = rt::clock::now() - from;
  const auto complete = [&] {
    return std::all_of(s.changes.begin(), s.changes.end(), [&](const auto& c) { return c.seen >= s.watchers; });
  };
  for (int i = 0; i < 100 && !complete(); ++i) co_await rt::sleep_for(50ms);
  std::vector<double> answered, commits;
  std::size_t missing = 0;
  for (const auto& c : s.changes) {
    missing += std::size_t(std::max(0, s.watchers - c.seen));
    commits.push_back(ms(c.answered - c.sent));
    answered.push_back(std::max(0.0, ms(c.last_seen - c.answered)));
  }
  std::printf("{");
  print_spread("from_sending", s.from_sent);
  print_spread("last_from_answer", answered);
  print_spread("commit", commits);
  std::printf("\"rate\": %.0f, \"deliveries\": %zu, \"missing\": %zu}\n",
              double(s.changes.size()) / std::chrono::duration<double>(took).count(), s.from_sent.size(), missing);
  std::fflush(stdout);
}

rt::task<void> run(const char* conninfo, int subscribers, int watchers, int rate, int seconds) {
  stage s(conninfo, subscribers, watchers);
  co_await fill(s);
  std::printf("filled\n");
  std::fflush(stdout);
  char who[32];
  unsigned port = 0;
  if (std::scanf("%31s %u", who, &port) != 2) fail(disposition::invalid, "WHO and a port are expected");
  const net::origin at{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)};
  rt::scope sessions(&co_await rt::this_task());
  for (std::size_t i = 0; i < s.accounts.size(); ++i) {
    sessions.spawn(subscriber(s, s.accounts[i], at, std::string_view(who) == "peer"), "subscriber");
    while (int(i) - s.subscribed > 100) co_await s.progress.wait();
  }
  while (s.subscribed < int(s.accounts.size())) co_await s.progress.wait();
  co_await rt::sleep_for(300ms);
  co_await measure(s, rate, 1);  // warms up
  std::printf("start\n");
  std::fflush(stdout);
  co_await measure(s, rate, seconds);
  sessions.cancel(rt::cancel_reason::shutdown);
  try {
    co_await sessions.join();
  } catch (const failure&) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  rlimit files{65536, 65536};
  ::setrlimit(RLIMIT_NOFILE, &files);
  rt::loop().run(run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])));
}
