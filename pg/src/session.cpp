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
  co_return co_await session::open(std::move(conninfo), options);
}

rt::task<std::unique_ptr<session>> session::open(std::string conninfo, connection_options options) {
  auto w = co_await wire::connect(std::move(conninfo), {}, options.connect_limit);
  auto reports = [c = w->get()](const char* name) {
    const char* value = PQparameterStatus(c, name);
    return std::string_view(value ? value : "");
  };
  std::string setup;
  if (reports("TimeZone") != "UTC" && reports("TimeZone") != "Etc/UTC") setup += "SET TimeZone TO 'UTC';";
  if (!reports("DateStyle").starts_with("ISO")) setup += "SET DateStyle TO 'ISO';";
  if (reports("standard_conforming_strings") != "on") setup += "SET standard_conforming_strings TO on;";
  if (!setup.empty()) co_await rt::with_timeout(options.connect_limit, w->simple_query(setup));
  co_return std::make_unique<session>(std::move(w), options);
}

session::session(std::unique_ptr<wire> w, connection_options options)
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
      // What was answered before the loss stands; the rest may or may not have taken effect.
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
  PGconn* c = wire_->get();
  if (PQpipelineStatus(c) == PQ_PIPELINE_OFF && !PQenterPipelineMode(c)) wire_->lost();
  for (auto& name : cache_.take_dropped()) {
    if (!PQsendQueryParams(c, ("DEALLOCATE " + name).c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)) wire_->lost();
    steps_.push_back({step::kind::drop, nullptr, nullptr, std::move(name)});
    send_sync();
  }
  const std::string sql(j.sql);
  auto statement = cache_.find(sql);
  if (!statement) {
    statement = cache_.add(sql);
    numbers().prepares.add();
    if (!PQsendPrepare(c, statement->name.c_str(), sql.c_str(), 0, nullptr)) wire_->lost();
    steps_.push_back({step::kind::prepare, nullptr, statement, sql});
  }
  std::vector<const char*> values;
  values.reserve(j.parameters->size());
  for (const auto& p : *j.parameters) values.push_back(p.text() ? p.text()->c_str() : nullptr);
  numbers().statements.add();
  if (!PQsendQueryPrepared(c, statement->name.c_str(), int(values.size()), values.data(), nullptr, nullptr, 0))
    wire_->lost();
  steps_.push_back({step::kind::execute, j.out, std::move(statement), sql});
  send_sync();
}

void session::send_sync() {
  if (!PQpipelineSync(wire_->get())) wire_->lost();
  steps_.push_back({step::kind::sync, nullptr, nullptr, {}});
}

rt::task<void> session::read_steps(std::size_t until) {
  while (steps_.size() > until) {
    if (wire_->broken()) wire_->lost();
    auto result = co_await wire_->next_result();
    const auto status = result ? PQresultStatus(result.get()) : PGRES_EMPTY_QUERY;
    if (!result || status == PGRES_PIPELINE_SYNC) {
      // Null ends a statement, a sync result ends a group: anything else means that we lost track.
      if ((steps_.front().what == step::kind::sync) != static_cast<bool>(result)) wire_->lost();
      steps_.pop_front();
      continue;
    }
    if (steps_.front().what == step::kind::sync) wire_->lost();
    take(steps_.front(), result.get(), result);
  }
}

void session::take(step& s, PGresult* raw, result_ptr& result) {
  const auto status = PQresultStatus(raw);
  switch (s.what) {
    case step::kind::prepare:
      if (status != PGRES_FATAL_ERROR) return;
      s.statement->failed = result_error(raw);
      cache_.remove(s.text, false);
      return;
    case step::kind::drop:
      // Inside a failed transaction nothing can be dropped; the name is never used again, so it only costs the server
      // memory.
      return;
    case step::kind::execute:
      return take_execute(s, status, result);
    case step::kind::sync:
      return;
  }
}

void session::take_execute(step& s, int status, result_ptr& result) {
  switch (status) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      if (is_commit(s.text) && std::string_view(PQcmdStatus(result.get())) == "ROLLBACK")
        return fail_step(s, server_error("25P02", "COMMIT answered ROLLBACK"));
      if (s.out && !s.out->error) s.out->rows.emplace(std::make_shared<const rows::impl>(std::move(result)));
      return;
    case PGRES_PIPELINE_ABORTED:
      return fail_step(s,
                       s.statement->failed ? *s.statement->failed : server_error("25P02", "the pipeline was aborted"));
    case PGRES_FATAL_ERROR: {
      auto e = result_error(result.get());
      if (e.code() == "pg.26000") cache_.clear();
      else if (means_stale_statement(e)) cache_.remove(s.text, true);
      return fail_step(s, s.statement->failed ? *s.statement->failed : std::move(e));
    }
    default:  // COPY is refused by libpq in pipeline mode before it starts
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
