/// @file feed.hpp - live queries: the change stream in, changes of subscribed rows out. Layer: apps/hub-websocket.
///
/// Rows come from the stream itself (its tuples are whole); the store is read when a subscription begins, for names of
/// people, and for everything subscribed after changes may have been missed.
#pragma once

#include <map>

#include "apps/hub-websocket/live_index.hpp"
#include "apps/hub-websocket/people.hpp"
#include "apps/hub-websocket/registry.hpp"
#include "apps/store/projects.hpp"
#include "atrium/pg/visibility.hpp"

namespace atrium::hub_websocket {

enum class query_kind : std::uint8_t { projects, account };

class feed {
 public:
  feed(pg::pool&, std::unique_ptr<pg::change_source>, registry&);

  /// Follows the change stream for ever. Sessions that end are signed out on the way.
  rt::task<void> run();
  /// Changes arrive now.
  bool connected() const noexcept { return source_->connected() && !stale_; }

  live_index& index(query_kind kind) noexcept { return kind == query_kind::projects ? projects_ : account_; }
  /// Adds the subscription and reads its first rows. Then, without waiting in between, send them and call
  /// index(kind).start(). @errors as of the store; the subscription is removed then
  rt::task<std::vector<keyed_row>> open(query_kind, const live_index::subscription_ptr&);

 private:
  struct touched_project {
    std::optional<store::project> row;         // empty: the row is gone
    std::optional<std::uint32_t> transaction;  // empty: read for another reason
  };
  using touched_projects = std::map<domain::project_id, touched_project>;

  rt::task<void> apply(const pg::change_batch&);
  rt::task<void> catch_up();
  rt::task<void> tell_projects(touched_projects);
  rt::task<std::vector<keyed_row>> read(query_kind, domain::account_id);
  rt::task<std::vector<keyed_row>> project_rows(std::vector<store::project>);
  void take_session(const pg::change&);
  void take_account(const pg::change&, std::uint32_t transaction, std::vector<domain::account_id>& renamed);
  void take_truncate(const pg::change&);
  rt::task<void> drop_invalid_sessions();

  pg::pool& pool_;
  std::unique_ptr<pg::change_source> source_;
  registry& registry_;
  people people_;
  live_index projects_, account_;
  bool stale_ = true;  // changes were missed that are not made good yet
  std::uint64_t catch_ups_ = 0;
  pg::visibility visibility_;
};

}  // namespace atrium::hub_websocket
