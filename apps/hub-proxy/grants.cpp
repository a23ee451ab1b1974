#include "apps/hub-proxy/grants.hpp"

#include <arpa/inet.h>

#include "apps/domain/project_pod.hpp"
#include "apps/domain/user_header.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::hub_proxy {

namespace {

constexpr std::chrono::minutes user_header_lifetime{5};

bool is_address(const std::string& ip) {
  in6_addr any;
  return inet_pton(AF_INET, ip.c_str(), &any) == 1 || inet_pton(AF_INET6, ip.c_str(), &any) == 1;
}

std::vector<std::string> subjects_of(const grant& g) {
  std::vector<std::string> out{"p" + g.project.str(), "a" + g.account.str()};
  if (g.credential.session) out.push_back("s" + g.credential.hash);
  return out;
}

error no_such_project() {
  return error(disposition::not_found, "There is no such project, or it is not shared with you.");
}

metrics::gauge& kept_grants() {
  static auto& g = metrics::get_gauge("atrium_hub_proxy_grants", "Rights to projects that are kept in memory");
  return g;
}

}  // namespace

void grant::set_access(store::project_access a) {
  access_ = std::move(a);
  pod_.reset();
  if (is_address(access_.state.ip) && !access_.secret_token.empty())
    pod_ = net::origin{.secure = false, .host = access_.state.ip, .port = domain::browser_port, .unix_socket = {}};
  authorization_ = "Bearer " + access_.secret_token;
  user_until_ = {};
}

const std::string& grant::signed_user(domain::timestamp now) {
  if (now >= user_until_) {
    user_ = domain::sign_user_header({account, access_.user_name, now + user_header_lifetime}, access_.secret_token);
    user_until_ = now + user_header_lifetime / 5;
  }
  return user_;
}

std::size_t grant::uses() const noexcept {
  std::size_t n = 0;
  for (const auto* u = first_use_; u; u = u->next_) ++n;
  return n;
}

grant::use::use(std::shared_ptr<grant> g, rt::cancel_region& region, bool tunnel)
    : grant_(std::move(g)), region_(region), next_(grant_->first_use_), tunnel_(tunnel) {
  if (next_) next_->previous_ = this;
  grant_->first_use_ = this;
  if (grant_->revoked_) region_.cancel(rt::cancel_reason::revoked);
}

grant::use::~use() {
  (previous_ ? previous_->next_ : grant_->first_use_) = next_;
  if (next_) next_->previous_ = previous_;
}

grants::grants(pg::pool& pool, grant_times times) : pool_(pool), times_(times) {}

grant_ptr grants::cached(std::span<const credential> credentials, domain::project_id project) {
  const auto now = rt::loop::current().now();
  for (const auto& c : credentials) {
    const auto at = grants_.find(key_view{c, project});
    if (at == grants_.end() || at->second->stale || now - at->second->confirmed_ > times_.trust_limit) continue;
    at->second->used_ = now;
    return at->second;
  }
  return nullptr;
}

rt::task<grant_ptr> grants::find(const net::request& request, std::span<const credential> credentials,
                                 domain::project_id project) {
  if (credentials.empty()) fail(disposition::unauthenticated, "You are not signed in. Sign in, or send an API key.");
  // A page asks for many things at once: one of them reads, the others wait for it.
  const auto flight = credentials[0].hash + project.str();
  for (;;) {
    if (auto g = cached(credentials, project)) co_return g;
    if (!loading_.contains(flight)) break;
    co_await loaded_.wait();
  }
  struct leader {
    grants& g;
    const std::string& flight;
    ~leader() {
      g.loading_.erase(flight);
      g.loaded_.notify_all();
    }
  } lead{*this, flight};
  loading_.insert(flight);
  co_return co_await load(request, credentials, project);
}

/// A grant that says whose it is, without rights yet.
rt::task<grant_ptr> grants::identify(const net::request& request, std::span<const credential> credentials,
                                     domain::project_id project) {
  auto g = std::make_shared<grant>();
  g->project = project;
  if (!credentials[0].session) {
    const auto who = co_await operations::auth(pool_).authenticate(request);
    if (!who) co_return nullptr;
    if (who->only_project && *who->only_project != project) throw failure(no_such_project());
    g->credential = credentials[0];
    g->account = who->id();
    co_return g;
  }
  for (const auto& c : credentials) {
    const auto account = co_await store::sessions(pool_).find(c.hash);
    if (!account) continue;
    g->credential = c;
    g->account = account->account_id;
    co_return g;
  }
  co_return nullptr;
}

rt::task<grant_ptr> grants::load(const net::request& request, std::span<const credential> credentials,
                                 domain::project_id project) {
  const auto asked = rt::loop::current().now();
  co_await wait_visible();
  auto g = co_await identify(request, credentials, project);
  if (!g) fail(disposition::unauthenticated, "You are not signed in any more. Sign in again.");
  auto access = co_await store::projects(pool_).find_for_proxy(project, g->account);
  if (!access) {
    if (const auto at = grants_.find(key_view{g->credential, project}); at != grants_.end()) revoke(*at->second);
    throw failure(no_such_project());
  }
  g->set_access(std::move(*access));
  g->confirmed_ = asked;
  co_return keep(std::move(g));
}

/// Into the cache when the project can be reached. What changed while it was read is found by the confirmation that
/// every new grant gets at once.
grant_ptr grants::keep(grant_ptr fresh) {
  const auto at = grants_.find(key_view{fresh->credential, fresh->project});
  const bool reachable =
      fresh->access().state.state == domain::state_name::running && !fresh->access().state.ip.empty();
  if (at != grants_.end()) {  // tunnels hang on the one that is there
    at->second->set_access(fresh->access());
    at->second->stale = !reachable;
    fresh = at->second;
  } else if (reachable) {
    grants_.emplace(key(fresh->credential, fresh->project), fresh);
    for (const auto& s : subjects_of(*fresh)) by_subject_[s].insert(fresh.get());
    kept_grants().set(static_cast<std::int64_t>(grants_.size()));
  }
  fresh->suspect_ = true;
  fresh->used_ = rt::loop::current().now();
  doubts_.set();
  return fresh;
}

void grants::forget(grant& g) noexcept {
  for (const auto& s : subjects_of(g)) {
    const auto at = by_subject_.find(s);
    if (at == by_subject_.end()) continue;
    at->second.erase(&g);
    if (at->second.empty()) by_subject_.erase(at);
  }
  grants_.erase(key(g.credential, g.project));
  kept_grants().set(static_cast<std::int64_t>(grants_.size()));
}

void grants::revoke(grant& g) noexcept {
  static auto& revoked =
      metrics::get_counter("atrium_hub_proxy_grants_revoked_total", "Rights that ended while they were kept");
  revoked.add();
  g.revoked_ = true;
  for (auto* u = g.first_use_; u; u = u->next_) u->region_.cancel(rt::cancel_reason::revoked);
  forget(g);
}

void grants::cut_tunnels() noexcept {
  for (const auto& [k, g] : grants_)
    for (auto* u = g->first_use_; u; u = u->next_)
      if (u->tunnel_) u->region_.cancel(rt::cancel_reason::shutdown);
}

void grants::touch(grant& g) {
  const auto now = rt::loop::current().now();
  if (g.touched_ != rt::time_point() && now - g.touched_ < times_.touch_every) return;
  g.touched_ = now;
  touches_.push_back({g.project, g.account});
}

}  // namespace atrium::hub_proxy
