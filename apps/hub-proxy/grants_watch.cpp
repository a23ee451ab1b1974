// Keeping grants in step with the database.
#include "apps/hub-proxy/grants.hpp"
#include "atrium/base/log.hpp"

namespace atrium::hub_proxy {

namespace {

std::string text_of(const pg::change& c, std::string_view column) {
  const auto* value = c.find(column);
  return value && value->text ? *value->text : std::string();
}

const pg::column_value* value_in(const pg::change& c, const std::vector<pg::column_value>& row,
                                 std::string_view column) {
  for (std::size_t i = 0; i < c.table->columns.size() && i < row.size(); ++i)
    if (c.table->columns[i].name == column) return &row[i];
  return nullptr;
}

/// Unless both rows are known to hold the same value.
bool may_have_changed(const pg::change& c, std::initializer_list<std::string_view> columns) {
  for (auto column : columns) {
    const auto *before = value_in(c, c.old_row, column), *after = value_in(c, c.row, column);
    if (after && after->unchanged) continue;
    if (!before || !after || before->text != after->text) return true;
  }
  return false;
}

}  // namespace

void grants::suspect(const std::string& subject, bool access_changed) {
  const auto at = by_subject_.find(subject);
  if (at == by_subject_.end()) return;
  for (auto* g : at->second) {
    g->suspect_ = true;
    g->stale |= access_changed;
  }
  doubts_.set();
}

void grants::suspect_all() noexcept {
  for (const auto& [k, g] : grants_) g->suspect_ = g->stale = true;
  doubts_.set();
}

void grants::note(const pg::change& c) {
  if (c.op == pg::change::operation::truncate) return suspect_all();
  const auto& table = c.table->name;
  if (table == "remember_me") {
    if (c.op != pg::change::operation::insert) suspect("s" + text_of(c, "hash"), false);
  } else if (table == "accounts") {
    if (may_have_changed(c, {"banned", "deleted", "first_name", "last_name"}))
      suspect("a" + text_of(c, "account_id"), true);
  } else if (table == "projects") {
    const bool people = may_have_changed(c, {"users", "deleted"});
    if (people || may_have_changed(c, {"state", "secret_token"})) suspect("p" + text_of(c, "project_id"), true);
  }
}

rt::task<void> grants::follow(pg::change_source& source) {
  struct bound {
    pg::change_source*& here;
    ~bound() { here = nullptr; }
  } guard{source_};
  source_ = &source;
  for (;;) {
    const auto batch = co_await source.next();
    visibility_.note(batch);
    if (batch.resync) suspect_all();
    for (const auto& c : batch.changes) note(c);
  }
}

rt::task<void> grants::confirm() {
  auto last_all = rt::time_point();
  bool warned = false;
  for (;;) {
    co_await doubts_.wait_for(times_.poll);
    doubts_.reset();
    const auto now = rt::loop::current().now();
    const bool all = !source_ || !source_->connected() || now - last_all >= times_.confirm_all;
    std::optional<error> failed;
    try {
      co_await confirm_once(all);
      if (all) last_all = now;
      co_await flush_touches();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      failed = f.error();
    }
    if (failed && !warned) log::warn("rights to projects cannot be confirmed", {{"error", *failed}});
    warned = failed.has_value();
    if (failed) co_await rt::sleep_for(times_.poll);
    sweep();
  }
}

/// Before rights are read. False: a commit waits for its standby so long that it must not hold everybody up; what it
/// changes is then asked for again.
rt::task<bool> grants::wait_visible() { return rt::in_time(times_.visible_limit, visibility_.wait(pool_)); }

rt::task<void> grants::confirm_once(bool all) {
  std::vector<grant_ptr> asked;
  for (const auto& [k, g] : grants_)
    if (all || g->suspect_ || !g->credential.session) asked.push_back(g);
  if (asked.empty()) co_return;

  std::vector<store::grant> rights;
  std::vector<std::string> sessions;
  std::vector<store::api_keys::known_key> keys;
  for (const auto& g : asked) {
    g->suspect_ = false;  // what comes in while the query runs is asked for next time
    rights.push_back({g->project, g->account});
    if (g->credential.session) sessions.push_back(g->credential.hash);
    else keys.push_back({g->credential.key_id, g->credential.hash});
  }
  const auto began = rt::loop::current().now();
  std::exception_ptr failed;
  std::vector<bool> granted, sessions_good, keys_good;
  bool visible = false;
  try {
    visible = co_await wait_visible();
    granted = co_await store::projects(pool_).still_granted(rights);
    if (!sessions.empty()) sessions_good = co_await store::sessions(pool_).still_valid(sessions);
    if (!keys.empty()) keys_good = co_await store::api_keys(pool_).still_valid(keys);
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed || !visible)
    for (const auto& g : asked) g->suspect_ = true;
  if (failed) std::rethrow_exception(failed);
  std::size_t session = 0, key = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto& g = *asked[i];
    const bool signed_in = g.credential.session ? sessions_good.at(session++) : keys_good.at(key++);
    if (granted.at(i) && signed_in) {
      g.confirmed_ = began;
    } else if (!g.revoked_) {
      log::info("right to a project ended",
                {{"project_id", g.project.view()}, {"account_id", g.account.view()}, {"in_use", g.uses()}});
      revoke(g);
    }
  }
}

rt::task<void> grants::flush_touches() {
  if (touches_.empty()) co_return;
  const auto batch = std::exchange(touches_, {});
  co_await store::projects(pool_).touch(batch);
}

void grants::sweep() noexcept {
  const auto now = rt::loop::current().now();
  std::vector<grant_ptr> unused, unconfirmed;
  for (const auto& [k, g] : grants_) {
    if (now - g->confirmed_ > times_.cut_limit) unconfirmed.push_back(g);
    else if (!g->first_use_ && now - g->used_ > times_.forget_after) unused.push_back(g);
  }
  for (const auto& g : unconfirmed) revoke(*g);
  for (const auto& g : unused) forget(*g);
}

}  // namespace atrium::hub_proxy
