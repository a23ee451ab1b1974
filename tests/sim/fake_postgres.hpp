// The least PostgreSQL in memory that can misbehave, and the way to it that a pool takes instead of libpq. It keeps the
// order of the real one: statements run when they arrive, an implicit transaction commits at its sync, an error skips
// to the next sync, a cancel request comes on a connection of its own and hits whatever runs.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "atrium/pg/transport.hpp"
#include "atrium/rt/io.hpp"
#include "tests/sim/simulate.hpp"

namespace atrium::tests {

/// Messages of one byte what, four bytes length, text.
struct pg_message {
  char what;
  std::string text;
  static std::string pack(char what, std::string_view text);
  /// The first one in `bytes`, which it is cut off from.
  static std::optional<pg_message> take(std::string& bytes);
};

class fake_postgres {
 public:
  fake_postgres(sim::simulation& s, rt::endpoint at) : sim_(s), at_(std::move(at)) {}

  /// How often a statement fails, is slow or finds its plan lost, 0 .. 1.
  double trouble = 0;
  bool restarts = false;

  /// Statements: BEGIN, COMMIT, ROLLBACK, SELECT, WRITE (id as first parameter, or in the text of a script).
  struct record {
    int committed = 0;
    bool may_run = true;  ///< never ran, or failed in a way after which it is right to run it again
  };
  std::map<std::string, record> written;

  /// Until cancelled; with `restarts` it crashes and comes back again and again until heal().
  rt::task<void> serve();
  void heal() { trouble = 0, restarts = false; }

 private:
  struct backend {
    int pid;
    rt::socket socket;
    std::string in, out;
    std::map<std::string, std::string> prepared;
    bool running = false, cancelled = false, skipping = false, stale = false;
    rt::condition changed;
    char status = 'I';  // as in ReadyForQuery: I, T, E
    std::vector<std::string> uncommitted;
  };
  rt::task<void> live(rt::duration* life);
  rt::task<void> accept(rt::listener& l, rt::scope& sessions);
  rt::task<void> session(rt::socket s);
  rt::task<void> obey(backend& b, pg_message m);
  rt::task<void> read(backend& b);
  rt::task<void> flush(backend& b);
  /// SQLSTATE of the failure, or empty.
  rt::task<std::string> run(backend& b, std::string sql, std::string id);
  rt::task<std::string> script(backend& b, std::string_view text);
  std::string apply(backend& b, const std::string& sql, const std::string& id);
  std::string commit(backend& b);
  void roll_back(backend& b, bool may_run_again);
  void say(backend& b, char what, std::string_view text = {}) { b.out += pg_message::pack(what, text); }

  sim::simulation& sim_;
  rt::endpoint at_;
  std::map<int, backend*> backends_;
  int last_pid_ = 0;
  bool starting_ = false;
};

/// How many ways exist and existed at most at a time; for every pool of a test.
struct way_count {
  int now = 0, most = 0;
};

/// What pool_options::connect takes.
pg::connector fake_way(rt::endpoint to, way_count& count);

}  // namespace atrium::tests
