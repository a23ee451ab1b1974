// Prepared selects on one connection: bench_pg_client WHO CONNINFO SECONDS. Prints JSON.
//   ours        connection::pipeline of 64 statements at a time
//   libpq       a bare loop in pipeline mode, 64 statements and one Sync each at a time, blocking reads: the floor
//   ours_single, libpq_single   one statement a round trip
#include "counter.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <time.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "atrium/pg/connection.hpp"
#include "atrium/rt/loop.hpp"

using namespace atrium;

namespace {

constexpr const char* sql = "SELECT abalance FROM pgbench_accounts WHERE aid = $1";
constexpr int batch = 64;

double seconds_of(clockid_t which) {
  timespec t{};
  ::clock_gettime(which, &t);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

int next_id() {
  static unsigned state = 1;
  state = state * 1664525u + 1013904223u;
  return int(state >> 8) % 100000 + 1;
}

[[noreturn]] void give_up(PGconn* c) {
  std::fprintf(stderr, "bench_pg_client: %s\n", PQerrorMessage(c));
  std::exit(1);
}

void libpq_batch(PGconn* c, int count) {
  for (int i = 0; i < count; ++i) {
    const auto id = std::to_string(next_id());
    const char* values[] = {id.c_str()};
    if (!PQsendQueryPrepared(c, "s", 1, values, nullptr, nullptr, 0) || !PQpipelineSync(c)) give_up(c);
  }
  while (PQflush(c) == 1) {
    pollfd p{PQsocket(c), POLLIN | POLLOUT, 0};
    ::poll(&p, 1, -1);
    if (p.revents & POLLIN) PQconsumeInput(c);
  }
  for (int synced = 0; synced < count;) {
    PGresult* r = PQgetResult(c);
    if (!r) continue;
    const auto status = PQresultStatus(r);
    if (status == PGRES_PIPELINE_SYNC) ++synced;
    else if (status != PGRES_TUPLES_OK || PQntuples(r) != 1) give_up(c);
    PQclear(r);
  }
}

rt::task<void> our_batch(pg::connection& c, int count) {
  if (count == 1) {
    (void)(co_await c.query(sql, {next_id()})).one();
    co_return;
  }
  std::vector<pg::connection::statement> all;
  all.reserve(std::size_t(count));
  for (int i = 0; i < count; ++i) all.push_back({sql, {next_id()}});
  for (auto& o : co_await c.pipeline(std::move(all))) (void)o.take().one();
}

struct window {
  double from = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  std::uint64_t allocations = *bench::allocations, done = 0;
  bool open(double seconds) const { return seconds_of(CLOCK_MONOTONIC) - from < seconds; }
  void print() const {
    const auto n = double(done);
    std::printf("{\"per_second\": %.0f, \"cpu_us\": %.4f, \"allocations\": %.2f, \"p50_us\": 0, \"load_busy\": 0}\n",
                n / (seconds_of(CLOCK_MONOTONIC) - from), (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / n,
                double(*bench::allocations - allocations) / n);
  }
};

rt::task<void> run_ours(const char* conninfo, double seconds, int count) {
  auto c = co_await pg::connection::connect(conninfo);
  for (int i = 0; i < 20; ++i) co_await our_batch(*c, count);
  window w;
  for (; w.open(seconds); w.done += std::uint64_t(count)) co_await our_batch(*c, count);
  w.print();
}

void run_libpq(const char* conninfo, double seconds, int count) {
  PGconn* c = PQconnectdb(conninfo);
  if (PQstatus(c) != CONNECTION_OK) give_up(c);
  PQclear(PQprepare(c, "s", sql, 0, nullptr));
  PQsetnonblocking(c, 1);
  PQenterPipelineMode(c);
  for (int i = 0; i < 20; ++i) libpq_batch(c, count);
  window w;
  for (; w.open(seconds); w.done += std::uint64_t(count)) libpq_batch(c, count);
  w.print();
  PQfinish(c);
}

}  // namespace

int main(int, char** argv) {
  const std::string who = argv[1];
  const double seconds = std::atof(argv[3]);
  const int count = who.ends_with("_single") ? 1 : batch;
  if (who.starts_with("libpq")) {
    run_libpq(argv[2], seconds, count);
    return 0;
  }
  rt::loop loop;
  loop.run(run_ours(argv[2], seconds, count));
}
