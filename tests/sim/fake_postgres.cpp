#include "tests/sim/fake_postgres.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;

std::string pg_message::pack(char what, std::string_view text) {
  std::string out(1, what);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(text.size() >> shift);
  return out.append(text);
}

std::optional<pg_message> pg_message::take(std::string& bytes) {
  if (bytes.size() < 5) return std::nullopt;
  std::size_t size = 0;
  for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(bytes[std::size_t(i)]);
  if (bytes.size() < 5 + size) return std::nullopt;
  pg_message m{bytes[0], bytes.substr(5, size)};
  bytes.erase(0, 5 + size);
  return m;
}

namespace {
std::pair<std::string, std::string> halves(const std::string& text) {
  const auto at = text.find('\0');
  return {text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
}
rt::task<void> wait_for(rt::condition& c) { co_await c.wait(); }
bool worth_running_again(std::string_view state) {
  return state == "40001" || state == "40P01" || state == "26000" || state == "0A000";
}
}  // namespace

rt::task<void> fake_postgres::serve() {
  while (restarts) {
    auto life = sim_.random().between(rt::duration(1s), rt::duration(40s));
    co_await live(&life);
    starting_ = true;
    if (sim_.random().chance(0.7)) co_await rt::sleep_for(sim_.random().between(rt::duration(0), rt::duration(8s)));
  }
  co_await live(nullptr);
}

rt::task<void> fake_postgres::live(rt::duration* life) {
  auto l = rt::listener::bind(at_);
  rt::scope sessions(&co_await rt::this_task());
  sessions.spawn(accept(l, sessions), "accept");
  std::exception_ptr failed;
  try {
    if (life && starting_) {  // the crash is being recovered from
      co_await rt::sleep_for(sim_.random().between(rt::duration(0), rt::duration(3s)));
      *life += rt::duration(1s);
    }
    starting_ = false;
    if (life) {
      co_await rt::sleep_for(*life);
      sessions.cancel(rt::cancel_reason::shutdown);
    }
  } catch (...) {
    failed = std::current_exception();
    sessions.cancel(rt::cancel_reason::shutdown);
  }
  try {
    co_await sessions.join();
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> fake_postgres::accept(rt::listener& l, rt::scope& sessions) {
  for (;;) sessions.spawn(session(co_await l.accept()), "backend");
}

rt::task<void> fake_postgres::read(backend& b) {
  std::byte bytes[512];
  const auto n = co_await b.socket.recv_some(bytes);
  if (n == 0) fail(disposition::disconnected, "the client has gone");
  b.in += rt::as_text({bytes, n});
}

rt::task<void> fake_postgres::flush(backend& b) {
  const auto out = std::exchange(b.out, {});
  co_await b.socket.send_all(rt::as_bytes(out));
}

rt::task<void> fake_postgres::session(rt::socket s) {
  backend b{.pid = ++last_pid_, .socket = std::move(s)};
  std::exception_ptr failed;
  try {
    for (bool known = false;;) {
      auto m = pg_message::take(b.in);
      if (!m) {
        co_await read(b);
        continue;
      }
      if (m->what == 'K') {
        const auto at = backends_.find(std::atoi(m->text.c_str()));
        if (at != backends_.end() && at->second->running) {
          at->second->cancelled = true;
          at->second->changed.notify_all();
        }
        break;
      }
      if (!known) {
        const bool full = sim_.random().chance(trouble / 4);
        if (starting_ || full) {
          say(b, 'E', starting_ ? "57P03" : "53300");
          co_await flush(b);
          break;
        }
        if (sim_.random().chance(trouble / 2))
          co_await rt::sleep_for(sim_.random().between(rt::duration(0), rt::duration(20s)));
        known = true;
        backends_[b.pid] = &b;
        say(b, 'Z', std::to_string(b.pid));
        co_await flush(b);
        continue;
      }
      co_await obey(b, std::move(*m));
    }
  } catch (const failure& f) {
    if (f.disposition() != disposition::disconnected) failed = std::current_exception();
  }
  backends_.erase(b.pid);
  roll_back(b, false);
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> fake_postgres::obey(backend& b, pg_message m) {
  auto& r = sim_.random();
  if (m.what == 'Q') {
    const auto state = co_await script(b, m.text);
    say(b, state.empty() ? 'd' : 'f', state.empty() ? "-" : state);
    say(b, 'e', std::string(1, b.status));
    co_return co_await flush(b);
  }
  if (m.what == 'S') {
    if (b.status == 'I' && !b.skipping)
      if (const auto state = commit(b); !state.empty()) {
        say(b, 'f', state);
        say(b, 'e');
      }
    b.skipping = false;
    say(b, 's', std::string(1, b.status));
    co_return co_await flush(b);
  }
  if (b.skipping) {
    say(b, 'a');
    say(b, 'e');
    co_return;
  }
  std::string state;
  const auto [name, rest] = halves(m.text);
  bool rolled_back = false;
  if (m.what == 'P') {
    if (b.status == 'E' && rest != "ROLLBACK" && rest != "COMMIT") state = "25P02";
    else if (r.chance(trouble / 10)) state = "42601";
    else b.prepared[name] = rest;
  } else if (m.what == 'O') {
    if (name.starts_with("DEALLOCATE ")) b.prepared.erase(name.substr(11));
    else state = co_await run(b, name, "");
    rolled_back = name == "ROLLBACK";
  } else {
    if (r.chance(trouble / 10)) b.prepared.clear();
    if (!b.prepared.contains(name)) {
      state = "26000";
    } else {
      const auto sql = b.prepared[name];
      rolled_back = sql == "ROLLBACK" || (sql == "COMMIT" && b.status == 'E');
      state = co_await run(b, sql, rest);
    }
  }
  if (!state.empty()) {
    b.skipping = true;
    roll_back(b, worth_running_again(state));
    if (b.status == 'T') b.status = 'E';
  }
  say(b, state.empty() ? 'd' : 'f', state.empty() ? (rolled_back ? "R" + rest : "-" + rest) : state);
  say(b, 'e');
  if (r.chance(0.2)) co_await flush(b);  // a full buffer goes out before the commit
}

rt::task<std::string> fake_postgres::script(backend& b, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto [sql, id] = halves(std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto state = co_await run(b, sql, id); !state.empty()) {
      roll_back(b, false);
      if (b.status == 'T') b.status = 'E';
      co_return state;
    }
  }
  co_return b.status == 'I' ? commit(b) : std::string();
}

rt::task<std::string> fake_postgres::run(backend& b, std::string sql, std::string id) {
  if (b.status == 'E' && sql != "ROLLBACK" && sql != "COMMIT") co_return "25P02";
  auto& r = sim_.random();
  b.running = true;
  b.cancelled = false;
  const auto end = rt::clock::now() + (r.chance(trouble) ? r.between(rt::duration(0), rt::duration(60s))
                                                         : r.between(rt::duration(0), rt::duration(20ms)));
  while (!b.cancelled && rt::clock::now() < end) {
    try {
      co_await rt::with_timeout(end - rt::clock::now(), wait_for(b.changed));
    } catch (const failure& f) {
      if (f.disposition() != disposition::timed_out) throw;
    }
  }
  b.running = false;
  if (b.cancelled) co_return "57014";
  co_return apply(b, sql, id);
}

std::string fake_postgres::apply(backend& b, const std::string& sql, const std::string& id) {
  auto& r = sim_.random();
  if (sql == "BEGIN") {
    b.status = 'T';
  } else if (sql == "COMMIT") {
    if (b.status == 'T')
      if (auto state = commit(b); !state.empty()) {
        b.status = 'I';
        return state;
      }
    b.status = 'I';
  } else if (sql == "ROLLBACK") {
    roll_back(b, false);
    b.status = 'I';
  } else if (sql == "WRITE") {
    auto& known = written[id];
    EXPECT_TRUE(known.may_run) << id << " was run again though nobody can know that it failed";
    known.may_run = false;
    b.uncommitted.push_back(id);
    static constexpr const char* states[] = {"40001", "40P01", "23505", "0A000"};
    if (r.chance(trouble)) return states[r.below(4)];
  }
  return {};
}

std::string fake_postgres::commit(backend& b) {
  if (!b.uncommitted.empty() && sim_.random().chance(trouble / 4)) {
    roll_back(b, true);
    return "40001";
  }
  for (const auto& id : b.uncommitted) ++written[id].committed;
  b.uncommitted.clear();
  return {};
}

void fake_postgres::roll_back(backend& b, bool may_run_again) {
  for (const auto& id : b.uncommitted) written[id].may_run = may_run_again;
  b.uncommitted.clear();
}

}  // namespace atrium::tests
