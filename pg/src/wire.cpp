#include "wire.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "atrium/base/log.hpp"
#include "atrium/rt/io.hpp"
#include "atrium/rt/process.hpp"
#include "errors.hpp"

namespace atrium::pg {
namespace {

std::string field_of(const PGresult* r, int code) {
  const char* text = PQresultErrorField(r, code);
  return text ? text : "";
}

rt::task<void> wait_one(rt::scope& both, int fd, bool for_input) {
  if (for_input) co_await rt::readable(fd);
  else co_await rt::writable(fd);
  both.cancel(rt::cancel_reason::requested);
}

rt::task<void> readable_or_writable(int fd) {
  co_await rt::with_scope([fd](rt::scope& both) -> rt::task<void> {
    both.spawn(wait_one(both, fd, true), "pg.readable");
    both.spawn(wait_one(both, fd, false), "pg.writable");
    co_await both.join();
  });
}

rt::task<bool> wait_written(int pipe) {
  std::byte one[1];
  co_return co_await rt::read_some(pipe, one) == 1;
}

const std::string* find(const wire::settings& all, std::string_view key) {
  for (const auto& [k, v] : all)
    if (k == key) return &v;
  return nullptr;
}

void set(wire::settings& all, std::string_view key, std::string value) {
  for (auto& [k, v] : all)
    if (k == key) {
      v = std::move(value);
      return;
    }
  all.emplace_back(key, std::move(value));
}

wire::settings parse_conninfo(const std::string& text) {
  char* problem = nullptr;
  PQconninfoOption* options = PQconninfoParse(text.c_str(), &problem);
  if (!options) {
    const std::string peer = problem ? problem : "out of memory";
    PQfreemem(problem);
    throw failure(error(disposition::invalid,
                        "The database address is malformed. Write it as a postgresql:// URI or as key=value pairs.")
                      .with_peer_text(peer));
  }
  wire::settings out;
  for (auto* o = options; o->keyword; ++o)
    if (o->val) out.emplace_back(o->keyword, o->val);
  PQconninfoFree(options);
  return out;
}

/// libpq resolves names with getaddrinfo, which blocks: do it on the pool and give it addresses. Lists of hosts are
/// left to libpq.
rt::task<void> resolve_host(wire::settings& all) {
  const auto* host = find(all, "host");
  if (!host || host->empty() || find(all, "hostaddr") || host->starts_with('/') || host->starts_with('@') ||
      host->find(',') != std::string::npos)
    co_return;
  const std::string name = *host;
  std::string hosts, addresses;
  std::optional<error> failed;
  try {
    for (const auto& address : co_await rt::resolve(name, 0)) {
      const bool first = addresses.empty();
      hosts += (first ? "" : ",") + name;
      addresses += (first ? "" : ",") + address.host();
    }
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    failed = f.error();
  }
  if (failed || addresses.empty())
    throw failure(error(disposition::disconnected, "The host name of the database is not known. Check --database.")
                      .with_peer_text(name + (failed ? ": " + failed->describe() : ""))
                      .with_code("pg.08001"));
  set(all, "host", hosts);
  set(all, "hostaddr", addresses);
}

}  // namespace

error result_error(const PGresult* r, std::source_location where) {
  const std::string state = field_of(r, PG_DIAG_SQLSTATE);
  std::string peer = field_of(r, PG_DIAG_MESSAGE_PRIMARY);
  if (peer.empty()) peer = PQresultErrorMessage(r);
  for (const auto& [code, label] : {std::pair{PG_DIAG_MESSAGE_DETAIL, "detail"},
                                    {PG_DIAG_CONSTRAINT_NAME, "constraint"},
                                    {PG_DIAG_STATEMENT_POSITION, "position"}})
    if (auto text = field_of(r, code); !text.empty()) peer += std::string("; ") + label + ": " + text;
  if (state == "0A000" && field_of(r, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery")
    return stale_plan(std::move(peer), where);
  return server_error(state, std::move(peer), where);
}

std::string quote_identifier(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

rt::task<std::unique_ptr<wire>> wire::connect(std::string conninfo, settings overrides, rt::duration limit) {
  auto all = parse_conninfo(conninfo);
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"client_encoding", "UTF8"},
                                                                  {"fallback_application_name", "atrium"},
                                                                  {"gssencmode", "disable"},
                                                                  {"keepalives_idle", "30"},
                                                                  {"keepalives_interval", "10"},
                                                                  {"keepalives_count", "3"},
                                                                  {"tcp_user_timeout", "60000"}})
    if (!find(all, key)) all.emplace_back(key, value);
  for (auto& [key, value] : overrides) set(all, key, std::move(value));
  try {
    co_return co_await rt::with_timeout(limit, handshake(std::move(all)));
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
  }
  throw failure(
      error(disposition::timed_out, "The database did not answer in time. Check that it runs and can be reached.")
          .with_code("pg.08001"));
}

void wire::on_notice(void* self, const PGresult* r) {
  const auto severity = field_of(r, PG_DIAG_SEVERITY_NONLOCALIZED);
  log::debug("PostgreSQL notice", {{"severity", severity}, {"text", field_of(r, PG_DIAG_MESSAGE_PRIMARY)}});
  if (severity == "FATAL" || severity == "PANIC") static_cast<wire*>(self)->give_up();
}

rt::task<std::unique_ptr<wire>> wire::handshake(settings all) {
  co_await resolve_host(all);
  std::vector<const char*> keys, values;
  for (const auto& [k, v] : all) {
    keys.push_back(k.c_str());
    values.push_back(v.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<wire> w(new wire(PQconnectStartParams(keys.data(), values.data(), 0)));
  PGconn* c = w->connection_;
  if (!c) fail(disposition::overloaded, "There is not enough memory to connect to the database.");
  PQsetErrorVerbosity(c, PQERRORS_VERBOSE);  // puts the SQLSTATE into messages of a failed connect
  PQsetNoticeReceiver(c, &wire::on_notice, w.get());
  auto next = PQstatus(c) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) {
      w->broken_ = true;
      throw failure(connect_error(PQerrorMessage(c)));
    }
    w->fd_ = PQsocket(c);
    if (next == PGRES_POLLING_READING) co_await rt::readable(w->fd_);
    else co_await rt::writable(w->fd_);
    rt::forget_fd(w->fd_);  // the next step may close it and open another
    next = PQconnectPoll(c);
  }
  w->fd_ = PQsocket(c);
  PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
  if (PQsetnonblocking(c, 1) != 0) w->lost();
  co_return w;
}

wire::~wire() {
  if (!broken_ && fd_ >= 0) rt::forget_fd(fd_);
  PQfinish(connection_);
}

void wire::give_up() noexcept {
  // libpq may have closed the descriptor itself: the loop must not believe that it still knows the number.
  if (!broken_ && fd_ >= 0) rt::forget_fd(fd_);
  broken_ = true;
}

void wire::lost(std::source_location where) {
  std::string peer = PQerrorMessage(connection_);
  give_up();
  throw failure(lost_connection(std::move(peer), where));
}

rt::task<void> wire::flush() {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) co_return;
    if (left < 0) lost();
    co_await readable_or_writable(fd_);
    if (!PQconsumeInput(connection_)) lost();
  }
}

rt::task<void> wire::receive() {
  co_await rt::readable(fd_);
  if (!PQconsumeInput(connection_)) lost();
}

rt::task<result_ptr> wire::next_result() {
  while (busy()) co_await receive();
  co_return take_result();
}

result_ptr wire::take_result() {
  result_ptr r(PQgetResult(connection_));
  if (PQstatus(connection_) != CONNECTION_BAD) return r;
  if (!r || field_of(r.get(), PG_DIAG_SQLSTATE).empty()) lost();
  give_up();  // the server said why
  return r;
}

rt::task<result_ptr> wire::simple_query(std::string sql) {
  if (!PQsendQuery(connection_, sql.c_str())) lost();
  co_await flush();
  result_ptr last;
  std::optional<error> failed;
  while (auto r = co_await next_result()) {
    const auto status = PQresultStatus(r.get());
    if (status == PGRES_FATAL_ERROR && !failed) failed = result_error(r.get());
    last = std::move(r);
    if (status == PGRES_COPY_BOTH) co_return last;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      give_up();
      fail(disposition::unimplemented, "COPY is not offered by this interface.");
    }
    if (broken_) break;
  }
  if (failed) throw failure(*failed);
  co_return last;
}

rt::task<bool> wire::request_cancel() {
  // PQcancel waits until the server has taken the request, so it cannot hit a later statement of this session. A server
  // that is stopped never takes it, and libpq knows no limit here: so the call has a thread of its own, which is left
  // to itself after a while, rather than one of the few of rt::blocking.
  static std::atomic<int> waiting{0};
  constexpr int most_waiting = 16;
  constexpr auto patience = std::chrono::seconds(2);
  struct asking {
    std::unique_ptr<PGcancel, void (*)(PGcancel*)> handle{nullptr, PQfreeCancel};
    rt::unique_fd done;  // one byte when the server took the request; then closed
    ~asking() { waiting.fetch_sub(1); }
  };
  if (waiting.fetch_add(1) >= most_waiting) {
    waiting.fetch_sub(1);
    co_return false;
  }
  auto mine = std::make_unique<asking>();
  mine->handle.reset(PQgetCancel(connection_));
  if (!mine->handle) co_return true;
  auto pipe = rt::make_pipe(true, false);
  mine->done = std::move(pipe.write);
  std::thread([all = std::move(mine)] {
    char problem[256];
    if (PQcancel(all->handle.get(), problem, sizeof problem)) std::ignore = ::write(all->done.get(), "1", 1);
  }).detach();
  try {
    co_return co_await rt::with_timeout(patience, wait_written(pipe.read.get()));
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
    log::warn("PostgreSQL does not take requests to cancel statements");
    co_return false;
  }
}

bool wire::poll_input() noexcept {
  if (broken_) return false;
  pollfd state{fd_, POLLIN | POLLRDHUP, 0};
  const bool hung_up = ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR));
  if (!hung_up && PQconsumeInput(connection_)) {
    PQisBusy(connection_);  // has libpq look at what came: a farewell of the server arrives as a notice
    if (!broken_ && PQstatus(connection_) == CONNECTION_OK) return true;
  }
  give_up();
  return false;
}

}  // namespace atrium::pg
