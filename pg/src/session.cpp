#include "session.hpp"

#include "errors.hpp"
#include "session_metrics.hpp"

namespace atrium::pg {
namespace {

/// So many statements may be on their way before answers are read: bounds what server and socket must hold.
constexpr std::size_t pipeline_window = 192;  // steps: two or three a statement
constexpr std::size_t maximum_parameters = 65535;

std::optional<error> check(std::string_view sql, const parameters& all) {
  if (sql.find('\0') != std::string_view::npos)
    return error(disposition::invalid, "A statement may not contain a NUL character.");
  if (all.size() > maximum_parameters)
    return error(disposition::invalid, "That is more than the database takes at once.");
  for (const auto& p : all)
    if (p.text() && p.text()->find('\0') != std::string::npos)
      return error(disposition::invalid, "Text with a NUL character cannot be stored. Remove it.");
  return std::nullopt;
}

bool is_commit(std::string_view sql) {
  const auto at = sql.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (sql[at] == 'C' || sql[at] == 'c' || sql[at] == 'E' || sql[at] == 'e');
}

}  // namespace

/// Marks the session as used by one task.
class session::use {
 public:
  explicit use(session& s) : session_(s) {
    ATRIUM_ASSERT(!s.in_use_, "one task at a time uses a database session");
    if (s.wire_->broken()) throw failure(lost_connection("the session was lost earlier"));
    s.in_use_ = true;
  }
  ~use() {
    session_.in_use_ = false;
    numbers().seconds.observe(std::chrono::duration<double>(rt::clock::now() - started_).count());
  }

 private:
  session& session_;
  rt::time_point started_ = rt::clock::now();
};

rt::task<std::unique_ptr<connection>> connection::connect(std::string conninfo, connection_options options) {
  co_return co_await session::open(connect_libpq, std::move(conninfo), options);
}

rt::task<std::unique_ptr<session>> session::open(const connector& connect, std::string conninfo,
                                                 connection_options options) {
  auto made = co_await connect(std::move(conninfo), options.connect_limit);
  co_return std::make_unique<session>(std::move(made), options);
}

session::session(std::unique_ptr<transport> w, connection_options options)
    : wire_(std::move(w)), options_(options), cache_(options.prepared_statements) {}

rt::task<void> session::limited(rt::task<void> body) {
  if (options_.statement_limit <= rt::duration::zero()) {
    co_await std::move(body);
    co_return;
  }
  try {
    co_await rt::with_timeout(options_.statement_limit, std::move(body));
    co_return;
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out || f.error().code().starts_with("pg.")) throw;
  }
  if (wire_->broken())  // it did not even react to the cancellation
    throw failure(
        error(disposition::disconnected, "The database does not answer. Try again soon.").with_code("pg.08006"));
  throw failure(error(disposition::timed_out, "The database took too long and the statement was cancelled.")
                    .with_code("pg.57014"));
}

rt::task<rows> session::query(std::string_view sql, pg::parameters all) {
  use mark(*this);
  outcome out;
  if (auto problem = check(sql, all)) throw failure(std::move(*problem));
  co_await limited(settle());
  const bool may_repeat = idle_transaction();
  co_await limited(run({{sql, &all, &out}}));
  if (out.error && may_repeat && means_stale_statement(*out.error)) {
    out = {};
    co_await limited(run({{sql, &all, &out}}));
  }
  co_return out.take();
}

rt::task<std::vector<connection::outcome>> session::pipeline(std::vector<statement> statements) {
  use mark(*this);
  std::vector<outcome> outcomes(statements.size());
  std::vector<job> jobs;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    outcomes[i].error = check(statements[i].sql, statements[i].parameters);
    if (!outcomes[i].error) jobs.push_back({statements[i].sql, &statements[i].parameters, &outcomes[i]});
  }
  co_await limited(settle());
  const bool may_repeat = idle_transaction();
  co_await limited(run(jobs));
  if (may_repeat) {
    std::vector<job> again;
    for (const auto& j : jobs)
      if (j.out->error && means_stale_statement(*j.out->error)) {
        *j.out = {};
        again.push_back(j);
      }
    if (!again.empty()) co_await limited(run(std::move(again)));
  }
  co_return outcomes;
}

rt::task<void> session::script(std::string_view sql) {
  use mark(*this);
  if (auto problem = check(sql, {})) throw failure(std::move(*problem));
  co_await limited(settle());
  co_await limited(run_script(sql));
}

rt::task<void> session::run(std::vector<job> jobs) {
  std::exception_ptr failed;
  try {
    co_await exchange(jobs);
    co_return;
  } catch (const failure& f) {
    if (f.disposition() == disposition::disconnected) {
      // What was answered up to its sync before the loss stands; the rest may or may not have taken effect.
      for (const auto& s : steps_)
        if (s.out) s.out->rows.reset();
      for (const auto& j : jobs)
        if (!j.out->rows && !j.out->error) j.out->error = f.error();
      steps_.clear();
      wire_->give_up();
      co_return;
    }
    failed = std::current_exception();
  }
  for (auto& s : steps_) s.out = nullptr;
  if (!wire_->broken()) co_await rt::shield(stop_and_drain());
  std::rethrow_exception(failed);
}

rt::task<void> session::exchange(const std::vector<job>& jobs) {
  for (const auto& j : jobs) {
    send(j);
    if (steps_.size() > pipeline_window) {
      co_await wire_->flush();
      co_await read_steps(pipeline_window / 2);
    }
  }
  co_await wire_->flush();
  co_await read_steps(0);
}

void session::send(const job& j) {
  // Inside a failed transaction nothing can be dropped; the name is never used again, so it only costs the server
  // memory.
  for (const auto& name : cache_.take_dropped()) send_aside("DEALLOCATE " + name);
  const std::string sql(j.sql);
  auto statement = cache_.find(sql);
  if (!statement) {
    statement = cache_.add(sql);
    numbers().prepares.add();
    wire_->send_prepare(statement->name, sql);
    steps_.push_back({step::kind::prepare, nullptr, statement, sql});
  }
  numbers().statements.add();
  wire_->send_execute(statement->name, *j.parameters);
  steps_.push_back({step::kind::execute, j.out, std::move(statement), sql});
  send_sync(j.out);
}

void session::send_aside(const std::string& sql) {
  wire_->send_once(sql);
  steps_.push_back({.what = step::kind::aside});
  send_sync();
}

void session::send_sync(outcome* out) {
  wire_->send_sync();
  steps_.push_back({.what = step::kind::sync, .out = out});
}

rt::task<void> session::read_steps(std::size_t until) {
  while (steps_.size() > until) {
    if (wire_->broken()) wire_->lost();
    while (wire_->busy()) co_await wire_->receive();
    auto next = wire_->take();
    const bool is_sync = next.what == answer::kind::sync;
    auto& first = steps_.front();
    if (!is_sync && next.what != answer::kind::end) {
      take(first, next);
    } else if (is_sync == (first.what == step::kind::sync)) {
      steps_.pop_front();  // an end closes a statement, a sync a group
    } else if (!first.commit_failed) {
      wire_->lost();  // we lost track
    }
  }
}

void session::take(step& s, answer& a) {
  switch (s.what) {
    case step::kind::prepare:
      if (a.what != answer::kind::failed) return;
      s.statement->failed = std::move(a.problem);
      cache_.remove(s.text, false);
      return;
    case step::kind::aside:
      return;
    case step::kind::execute:
      return take_execute(s, a);
    case step::kind::sync:  // the implicit transaction failed as it was committed
      if (a.what != answer::kind::failed) wire_->lost();
      s.commit_failed = true;
      return fail_step(s, std::move(*a.problem));
  }
}

void session::take_execute(step& s, answer& a) {
  switch (a.what) {
    case answer::kind::done:
      if (a.rolled_back && is_commit(s.text)) return fail_step(s, server_error("25P02", "COMMIT answered ROLLBACK"));
      if (s.out && !s.out->error) s.out->rows.emplace(std::move(a.rows));
      return;
    case answer::kind::aborted:
      return fail_step(s,
                       s.statement->failed ? *s.statement->failed : server_error("25P02", "the pipeline was aborted"));
    case answer::kind::failed:
      if (a.problem->code() == "pg.26000") cache_.clear();
      else if (means_stale_statement(*a.problem)) cache_.remove(s.text, true);
      return fail_step(s, s.statement->failed ? *s.statement->failed : std::move(*a.problem));
    default:
      fail_step(s, error(disposition::unimplemented, "COPY is not offered by this interface."));
      wire_->give_up();
  }
}

void session::fail_step(step& s, error e) {
  numbers().failures.add();
  if (!s.out) return;
  s.out->rows.reset();
  if (!s.out->error) s.out->error = std::move(e);
}

}  // namespace atrium::pg
