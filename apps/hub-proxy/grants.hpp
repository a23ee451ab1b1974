/// @file grants.hpp - who may use which project right now; forgets a revoked right within a second. Layer:
/// apps/hub-proxy.
///
/// A grant is read from the database once and then kept in step by three things: the change stream names what may have
/// changed, one batched query confirms every such grant, and all grants are confirmed every few seconds anyway (every
/// half second while the stream is away; API keys always, they are not in the stream). A grant that nobody could
/// confirm for `trust_limit` is read again before a request uses it, and what runs on one that was not confirmed for
/// `cut_limit` is cut.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "apps/domain/time.hpp"
#include "apps/hub-proxy/route.hpp"
#include "apps/operations/auth.hpp"
#include "apps/store/api_keys.hpp"
#include "apps/store/projects.hpp"
#include "apps/store/sessions.hpp"
#include "atrium/net/client.hpp"
#include "atrium/pg/visibility.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::hub_proxy {

/// One credential's right to one project.
class grant {
 public:
  hub_proxy::credential credential;
  domain::project_id project;
  domain::account_id account;
  bool stale = false;  ///< its project has changed, or did not answer: read again

  const store::project_access& access() const noexcept { return access_; }
  void set_access(store::project_access);
  /// Where the project's server listens; null when it has no usable address or no secret.
  const net::origin* pod() const noexcept { return pod_ ? &*pod_ : nullptr; }
  /// What lets hubs into the project, and who asks: values of Authorization and X-Atrium-User. The latter is good for
  /// some minutes and signed anew in time.
  const std::string& authorization() const noexcept { return authorization_; }
  const std::string& signed_user(domain::timestamp now);

  /// Binds a stretch of a task to a grant: it is cancelled (reason revoked) when the grant goes.
  class use {
   public:
    use(std::shared_ptr<grant>, rt::cancel_region&, bool tunnel);
    ~use();
    use(const use&) = delete;

   private:
    friend class grant;
    friend class grants;
    std::shared_ptr<grant> grant_;
    rt::cancel_region& region_;
    use *previous_ = nullptr, *next_ = nullptr;  // of the grant
    bool tunnel_;
  };

 private:
  friend class grants;
  std::size_t uses() const noexcept;

  store::project_access access_;
  std::optional<net::origin> pod_;
  std::string authorization_, user_;
  domain::timestamp user_until_{};  ///< from when on user_ is signed anew
  bool suspect_ = true, revoked_ = false;
  rt::time_point confirmed_{}, used_{}, touched_{};
  use* first_use_ = nullptr;
};

using grant_ptr = std::shared_ptr<grant>;

struct grant_times {
  rt::duration poll = std::chrono::milliseconds(500);
  rt::duration confirm_all = std::chrono::seconds(5);
  rt::duration trust_limit = std::chrono::seconds(10);
  rt::duration visible_limit = std::chrono::seconds(1);  ///< for which a read waits until it has what the stream has
  rt::duration cut_limit = std::chrono::seconds(60);
  rt::duration forget_after = std::chrono::seconds(60);  ///< unused grants
  rt::duration touch_every = std::chrono::seconds(60);
};

/// @thread one loop
class grants {
 public:
  explicit grants(pg::pool&, grant_times = {});

  /// The grant of whoever sent this request, when it is kept and fresh; else null.
  grant_ptr cached(std::span<const credential>, domain::project_id);
  /// The grant of whoever sent this request with these credentials: the first good session of them, or the API key of
  /// the request. Projects that do not run are read anew each time.
  /// @errors unauthenticated, not_found (also: somebody else's project)
  rt::task<grant_ptr> find(const net::request&, std::span<const credential>, domain::project_id);
  /// Somebody works in that project: recorded at most once per touch_every, in batches.
  void touch(grant&);

  /// Reads changes until cancelled. One task; the source must outlive it.
  rt::task<void> follow(pg::change_source&);
  /// Confirms grants until cancelled. One task.
  rt::task<void> confirm();
  /// Cuts all tunnels (draining).
  void cut_tunnels() noexcept;
  std::size_t size() const noexcept { return grants_.size(); }

 private:
  using key = std::pair<hub_proxy::credential, domain::project_id>;
  struct key_view {
    const hub_proxy::credential& first;
    const domain::project_id& second;
  };
  struct by_key {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return std::tie(a.first, a.second) < std::tie(b.first, b.second);
    }
  };

  rt::task<grant_ptr> load(const net::request&, std::span<const credential>, domain::project_id);
  rt::task<grant_ptr> identify(const net::request&, std::span<const credential>, domain::project_id);
  grant_ptr keep(grant_ptr);
  void forget(grant&) noexcept;
  void revoke(grant&) noexcept;
  void note(const pg::change&);
  void suspect(const std::string& subject, bool access_changed);
  void suspect_all() noexcept;
  rt::task<bool> wait_visible();
  rt::task<void> confirm_once(bool all);
  rt::task<void> flush_touches();
  void sweep() noexcept;

  pg::pool& pool_;
  grant_times times_;
  std::map<key, grant_ptr, by_key> grants_;
  std::unordered_map<std::string, std::set<grant*>> by_subject_;  // "p<project>", "a<account>", "s<session hash>"
  std::set<std::string> loading_;
  rt::condition loaded_;
  rt::event doubts_;
  pg::change_source* source_ = nullptr;
  pg::visibility visibility_;
  std::vector<store::grant> touches_;
};

}  // namespace atrium::hub_proxy
