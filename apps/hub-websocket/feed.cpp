#include "apps/hub-websocket/feed.hpp"

#include "apps/hub-websocket/shapes.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::hub_websocket {

namespace {

struct feed_metrics {
  metrics::counter& pushes =
      metrics::get_counter("atrium_hub_websocket_pushes_total", "Messages about changed rows sent to clients");
  metrics::counter& catch_ups =
      metrics::get_counter("atrium_hub_websocket_catch_ups_total", "Times that all subscriptions were read again");
  metrics::histogram& lag =
      metrics::get_histogram("atrium_hub_websocket_change_lag_seconds", "From a commit to its messages to clients");
};
feed_metrics& numbers() {
  static feed_metrics m;
  return m;
}

/// Columns of the new row (of a removed row: the old one), large values that did not change taken from the old row.
store::column_source columns_of(const pg::change& c) {
  return [&c](std::string_view column) -> std::optional<std::string_view> {
    const auto& values = c.op == pg::change::operation::remove ? c.old_row : c.row;
    for (std::size_t i = 0; i < values.size() && i < c.table->columns.size(); ++i) {
      if (c.table->columns[i].name != column) continue;
      const auto& text = values[i].unchanged && i < c.old_row.size() ? c.old_row[i].text : values[i].text;
      return text ? std::optional<std::string_view>(*text) : std::nullopt;
    }
    return std::nullopt;
  };
}

bool is_complete(const pg::change& c) {
  for (const auto& value : c.row)
    if (value.unchanged && c.old_row.empty()) return false;
  return true;
}

std::vector<domain::account_id> audience_of(const std::optional<store::project>& p) {
  std::vector<domain::account_id> out;
  if (p && !p->deleted)
    for (const auto& [account, group] : p->users) out.push_back(account);
  return out;
}

row_text text_of(const boost::json::object& row) {
  return std::make_shared<const std::string>(boost::json::serialize(row));
}

constexpr int listed_projects = 2000;

}  // namespace

feed::feed(pg::pool& pool, std::unique_ptr<pg::change_source> source, registry& clients)
    : pool_(pool), source_(std::move(source)), registry_(clients), people_(pool) {}

rt::task<void> feed::run() {
  for (;;) {
    const auto batch = co_await source_->next();
    if (batch.resync) stale_ = true;
    visibility_.note(batch);
    for (bool first = true; first || stale_; first = false) {
      std::optional<error> failed;
      try {
        if (stale_) co_await catch_up();
        else co_await apply(batch);
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled) throw;
        failed = f.error();
      }
      if (!failed) continue;
      log::warn("live queries are behind", {{"error", *failed}});
      stale_ = true;
      co_await rt::sleep_for(std::chrono::milliseconds(500));
    }
    if (!batch.resync)
      numbers().lag.observe(
          std::chrono::duration<double>(std::chrono::system_clock::now() - batch.commit_time).count());
  }
}

rt::task<void> feed::apply(const pg::change_batch& batch) {
  touched_projects touched;
  std::vector<domain::account_id> renamed;
  for (const auto& c : batch.changes) {
    if (c.op == pg::change::operation::truncate) {
      take_truncate(c);
    } else if (c.table->name == "projects") {
      const auto column = columns_of(c);
      const auto id = domain::project_id::parse(column("project_id").value_or(""));
      if (!id) continue;
      if (c.op == pg::change::operation::remove) touched[*id] = {std::nullopt, batch.transaction};
      else if (is_complete(c)) touched[*id] = {store::project_from(column), batch.transaction};
      else {
        co_await visibility_.take_snapshot(pool_);  // the change itself must be visible
        touched[*id] = {co_await store::projects(pool_).get(*id), std::nullopt};
      }
    } else if (c.table->name == "accounts") {
      take_account(c, batch.transaction, renamed);
    } else if (c.table->name == "remember_me") {
      take_session(c);
    }
  }
  if (!renamed.empty()) co_await visibility_.take_snapshot(pool_);
  for (const auto& id : renamed)
    for (auto& p : co_await store::projects(pool_).list_for(id, {.limit = listed_projects}))
      touched[p.project_id] = {std::move(p), std::nullopt};
  co_await tell_projects(std::move(touched));
  numbers().pushes.add(projects_.flush() + account_.flush());
}

rt::task<void> feed::tell_projects(touched_projects touched) {
  std::vector<domain::account_id> everybody;
  std::erase_if(touched, [&](const auto& entry) {
    const auto audience = audience_of(entry.second.row);
    if (!projects_.wanted(entry.first.str(), audience)) return true;
    everybody.insert(everybody.end(), audience.begin(), audience.end());
    return false;
  });
  co_await people_.ensure(everybody);
  for (const auto& [id, p] : touched) {
    const auto audience = audience_of(p.row);
    const auto row = audience.empty() ? nullptr : text_of(project_row(*p.row, [&](auto a) { return people_.name(a); }));
    projects_.change(id.str(), audience, row, p.transaction);
  }
}

void feed::take_account(const pg::change& c, std::uint32_t transaction, std::vector<domain::account_id>& renamed) {
  const auto account = store::account_from(columns_of(c));
  const auto id = account.account_id;
  if (id.is_nil()) return;
  const domain::account_id audience[] = {id};
  if (c.op == pg::change::operation::remove || account.deleted || account.banned) {
    registry_.end_account(id);
    return account_.change(id.str(), audience, nullptr, transaction);
  }
  if (people_.changed(id, account.full_name())) renamed.push_back(id);
  if (account_.wanted(id.str(), audience))
    account_.change(id.str(), audience, text_of(account_row(account)), transaction);
}

void feed::take_session(const pg::change& c) {
  const auto column = columns_of(c);
  const auto hash = column("hash");
  if (!hash) return;
  if (c.op == pg::change::operation::remove) return registry_.end_session(std::string(*hash));
  if (const auto expire = domain::parse_timestamp(column("expire").value_or("")))
    registry_.set_expire(std::string(*hash), *expire);
  if (!c.old_row.empty() && c.old_row[0].text && *c.old_row[0].text != *hash && c.table->columns[0].name == "hash")
    registry_.end_session(*c.old_row[0].text);
}

void feed::take_truncate(const pg::change& c) {
  if (c.table->name == "remember_me") registry_.end_all_sessions();
  // Projects or accounts were emptied: reading again finds out for whom.
  else fail(disposition::conflict, "A table was emptied.");
}

rt::task<void> feed::drop_invalid_sessions() {
  const auto hashes = registry_.session_hashes();
  if (hashes.empty()) co_return;
  const auto valid = co_await store::sessions(pool_).still_valid(hashes);
  for (std::size_t i = 0; i < hashes.size(); ++i)
    if (!valid[i]) registry_.end_session(hashes[i]);
}

rt::task<void> feed::catch_up() {
  ++catch_ups_;
  people_.forget_all();
  co_await drop_invalid_sessions();
  const auto seen = co_await visibility_.take_snapshot(pool_);
  for (const auto kind : {query_kind::account, query_kind::projects}) {
    std::map<domain::account_id, std::vector<live_index::subscription_ptr>> by_account;
    for (auto& s : index(kind).all())
      if (s->live()) by_account[s->account()].push_back(std::move(s));
    for (const auto& [account, list] : by_account) {
      const auto rows = co_await read(kind, account);
      for (const auto& s : list) {
        index(kind).reading(*s, seen);
        index(kind).replace(*s, rows);
      }
    }
  }
  numbers().catch_ups.add();
  stale_ = false;
}

rt::task<std::vector<keyed_row>> feed::open(query_kind kind, const live_index::subscription_ptr& s) {
  index(kind).add(s);
  try {
    for (;;) {
      const auto before = catch_ups_;
      index(kind).reading(*s, co_await visibility_.take_snapshot(pool_));
      auto rows = co_await read(kind, s->account());
      // Changes that were missed before a catch-up may be missing in what was read before it.
      if (before == catch_ups_) co_return rows;
    }
  } catch (...) {
    index(kind).remove(s);
    throw;
  }
}

rt::task<std::vector<keyed_row>> feed::read(query_kind kind, domain::account_id account) {
  if (kind == query_kind::projects)
    co_return co_await project_rows(co_await store::projects(pool_).list_for(account, {.limit = listed_projects}));
  std::vector<keyed_row> out;
  if (const auto row = co_await store::accounts(pool_).get(account))
    out.push_back({account.str(), text_of(account_row(*row))});
  co_return out;
}

rt::task<std::vector<keyed_row>> feed::project_rows(std::vector<store::project> all) {
  std::vector<domain::account_id> everybody;
  for (const auto& p : all)
    for (const auto& [account, group] : p.users) everybody.push_back(account);
  co_await people_.ensure(everybody);
  std::vector<keyed_row> out;
  for (const auto& p : all)
    out.push_back({p.project_id.str(), text_of(project_row(p, [&](auto a) { return people_.name(a); }))});
  co_return out;
}

}  // namespace atrium::hub_websocket
