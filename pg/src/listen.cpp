#include "atrium/pg/listen.hpp"

#include <algorithm>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "reconnect.hpp"
#include "wire.hpp"

namespace atrium::pg {

struct listener::state {
  std::string conninfo;
  std::vector<std::string> channels;
  std::unique_ptr<wire> session;
  std::deque<notification> pending;
  reconnect pause;

  rt::task<void> connect();
  void collect();
};

rt::task<void> listener::state::connect() {
  co_await pause.wait();
  auto fresh = co_await wire::connect(conninfo, {}, std::chrono::seconds(10));
  std::string sql;
  for (const auto& channel : channels) sql += "LISTEN " + quote_identifier(channel) + ";";
  if (!sql.empty()) co_await rt::with_timeout(std::chrono::seconds(10), fresh->simple_query(sql));
  if (pause.failing()) log::info("listening again", {{"attempts", pause.failures()}});
  pause.succeeded();
  session = std::move(fresh);
  // From here on nothing is missed; what came before is told by these, and equal older ones are part of them.
  pending.clear();
  for (const auto& channel : channels) pending.push_back({channel, "", true});
}

void listener::state::collect() {
  while (std::unique_ptr<PGnotify, decltype(&PQfreemem)> n{PQnotifies(session->get()), PQfreemem}) {
    const auto same = [&](const notification& p) { return p.channel == n->relname && p.payload == n->extra; };
    if (std::none_of(pending.begin(), pending.end(), same)) pending.push_back({n->relname, n->extra, false});
  }
}

listener::listener(std::string conninfo, std::vector<std::string> channels)
    : state_(std::make_unique<state>(std::move(conninfo), std::move(channels))) {}
listener::~listener() = default;
listener::listener(listener&&) noexcept = default;

bool listener::connected() const noexcept { return state_->session != nullptr; }

rt::task<notification> listener::next() {
  static auto& failures = metrics::get_counter("atrium_pg_listen_failures_total",
                                               "Times that a LISTEN session was lost or could not be made");
  auto& s = *state_;
  for (;;) {
    if (!s.pending.empty()) {
      auto first = std::move(s.pending.front());
      s.pending.pop_front();
      co_return first;
    }
    std::optional<error> failed;
    try {
      if (!s.session) {
        co_await s.connect();
      } else {
        s.collect();
        if (s.pending.empty()) co_await s.session->receive();
      }
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      failed = f.error();
    }
    if (!failed) continue;
    s.session.reset();
    failures.add();
    if (!s.pause.failing()) log::warn("not listening to PostgreSQL", {{"error", *failed}});
    s.pause.failed();
  }
}

}  // namespace atrium::pg
