#include "atrium/pg/pool.hpp"

#include <vector>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "reconnect.hpp"
#include "session.hpp"

namespace atrium::pg {
namespace {

struct pool_metrics {
  metrics::gauge& sessions = metrics::get_gauge("atrium_pg_pool_sessions", "Sessions with PostgreSQL that pools hold");
  metrics::gauge& busy = metrics::get_gauge("atrium_pg_pool_busy_sessions", "Sessions that are lent");
  metrics::gauge& waiting = metrics::get_gauge("atrium_pg_pool_waiting_tasks", "Tasks that wait for a session");
  metrics::histogram& wait = metrics::get_histogram("atrium_pg_pool_wait_seconds", "Wait for a session");
  metrics::counter& connects = metrics::get_counter("atrium_pg_pool_connects_total", "Sessions made");
  metrics::counter& failures =
      metrics::get_counter("atrium_pg_pool_connect_failures_total", "Attempts to make a session that failed");
};
pool_metrics& numbers() {
  static pool_metrics m;
  return m;
}

bool may_pass_by_itself(disposition d) {
  return d == disposition::disconnected || d == disposition::overloaded || d == disposition::timed_out;
}

}  // namespace

struct pool::state {
  explicit state(pool_options o) : options(std::move(o)), places(options.connections) {}

  std::unique_ptr<session> take_idle() {
    while (!idle.empty()) {
      auto s = std::move(idle.back());
      idle.pop_back();
      if (s->alive()) return s;
      numbers().sessions.add(-1);
    }
    return nullptr;
  }

  rt::task<std::unique_ptr<session>> take_or_connect() {
    for (;;) {
      if (auto s = take_idle()) co_return s;
      std::optional<rt::mutex::guard> turn;
      if (outage.failing()) {
        // One task tries for all; the others find its session, or an outage that is over.
        turn.emplace(co_await trying.lock());
        if (!idle.empty()) continue;
        if (outage.failing()) co_await outage.wait();
      }
      std::optional<error> failed;
      try {
        auto s =
            co_await session::open(options.connect, options.conninfo,
                                   {.statement_limit = options.statement_limit, .connect_limit = options.wait_limit});
        if (outage.failing()) log::info("PostgreSQL answers again");
        outage.succeeded();
        numbers().connects.add();
        numbers().sessions.add();
        co_return s;
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled) throw;
        numbers().failures.add();
        if (!may_pass_by_itself(f.disposition())) throw;
        failed = f.error();
      }
      if (!outage.failing()) log::warn("PostgreSQL does not answer", {{"error", *failed}});
      outage.failed();
      last_failure = std::move(failed);
    }
  }

  pool_options options;
  rt::semaphore places;
  rt::mutex trying;
  std::vector<std::unique_ptr<session>> idle;  // the most recently used at the end
  std::size_t lent = 0;
  reconnect outage;
  std::optional<error> last_failure;
};

struct pool::lease::impl {
  pool::state* owner;
  std::unique_ptr<session> held;
  ~impl() {
    numbers().busy.add(-1);
    if (held->recycle()) owner->idle.push_back(std::move(held));
    else numbers().sessions.add(-1);
    --owner->lent;
    owner->places.release();
  }
};

pool::lease::lease() = default;
pool::lease::lease(lease&&) noexcept = default;
pool::lease& pool::lease::operator=(lease&&) noexcept = default;
pool::lease::~lease() = default;
connection* pool::lease::operator->() const noexcept { return impl_->held.get(); }
connection& pool::lease::operator*() const noexcept { return *impl_->held; }

pool::pool(pool_options options) : state_(std::make_unique<state>(std::move(options))) {
  if (!state_->options.connect) state_->options.connect = connect_libpq;
  ATRIUM_ASSERT(state_->options.connections > 0, "a pool has at least one connection");
}

pool::~pool() {
  ATRIUM_ASSERT(state_->lent == 0, "nobody holds a lease when its pool ends");
  numbers().sessions.add(-static_cast<std::int64_t>(state_->idle.size()));
}

rt::task<pool::lease> pool::acquire() {
  struct waiting_mark {
    rt::time_point start = rt::clock::now();
    waiting_mark() { numbers().waiting.add(); }
    ~waiting_mark() {
      numbers().waiting.add(-1);
      numbers().wait.observe(std::chrono::duration<double>(rt::clock::now() - start).count());
    }
  } mark;
  auto& s = *state_;
  try {
    co_await rt::with_timeout(s.options.wait_limit, s.places.acquire());
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
    throw failure(error(disposition::overloaded, "Too much is asked of the database at once. Try again soon.")
                      .with_code("pg.pool_exhausted"));
  }
  struct place {
    state* owner;
    ~place() {
      if (owner) owner->places.release();
    }
  } held{&s};
  const auto left = s.options.wait_limit - (rt::clock::now() - mark.start);
  std::unique_ptr<session> found;
  try {
    found = co_await rt::with_timeout(std::max<rt::duration>(left, std::chrono::milliseconds(1)), s.take_or_connect());
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
    if (s.last_failure) throw failure(*s.last_failure);
    throw failure(
        error(disposition::disconnected, "The database does not answer. Try again soon.").with_code("pg.08001"));
  }
  held.owner = nullptr;
  lease l;
  l.impl_.reset(new lease::impl{&s, std::move(found)});
  ++s.lent;
  numbers().busy.add();
  co_return l;
}

rt::task<rows> pool::query(std::string_view sql, parameters all) {
  auto session = co_await acquire();
  co_return co_await session->query(sql, std::move(all));
}

}  // namespace atrium::pg
