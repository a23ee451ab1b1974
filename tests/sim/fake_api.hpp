// The least Kubernetes API in memory that can misbehave: pods to list and watch, leases to get, create and replace.
#pragma once

#include <boost/json.hpp>
#include <deque>
#include <map>

#include "atrium/k8s/client.hpp"
#include "atrium/net/server.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/sim/simulate.hpp"

namespace atrium::tests {

class fake_api {
 public:
  explicit fake_api(sim::simulation& s) : sim_(s), server_([this](net::exchange& x) { return handle(x); }) {}

  /// How often an answer is wrong or cut, 0 .. 1.
  double trouble = 0;

  rt::task<void> serve(rt::listener& l) { co_await server_.serve(l); }
  rt::task<void> stop() {
    stopping_ = true;
    changed_.notify_all();
    co_await server_.drain(std::chrono::seconds(1));
  }
  k8s::config config(const rt::listener& l) const {
    k8s::config c;
    c.server.host = "127.0.0.1";
    c.server.port = l.local().port();
    return c;
  }

  void put_pod(const std::string& name) {
    const bool is_new = !pods_.contains(name);
    pods_[name] = {{"metadata", {{"namespace", "n"}, {"name", name}, {"resourceVersion", std::to_string(++version_)}}}};
    note(is_new ? "ADDED" : "MODIFIED", pods_[name]);
  }
  void remove_pod(const std::string& name) {
    const auto at = pods_.find(name);
    if (at == pods_.end()) return;
    at->second.at("metadata").as_object()["resourceVersion"] = std::to_string(++version_);
    note("DELETED", at->second);
    pods_.erase(at);
  }
  /// Forgets the events so far: watches that start before now get 410.
  void compact() {
    floor_ = version_;
    log_.clear();
    snapshots_.clear();
    changed_.notify_all();
  }
  /// Versions by key, as an informer keeps them.
  std::map<std::string, std::string> pods() const {
    std::map<std::string, std::string> out;
    for (const auto& [name, p] : pods_)
      out["n/" + name] = std::string(p.at("metadata").at("resourceVersion").as_string());
    return out;
  }

 private:
  struct noted {
    std::uint64_t version;
    std::string type;
    boost::json::value object;
  };
  struct snapshot {
    std::uint64_t version;
    std::vector<boost::json::value> items;
  };

  void note(const char* type, const boost::json::value& object) {
    log_.push_back({version_, type, object});
    changed_.notify_all();
  }
  static net::response status(unsigned code, const char* reason) {
    return net::response::json(code, boost::json::serialize(boost::json::value{
                                         {"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", reason}}));
  }

  rt::task<void> handle(net::exchange& x) {
    auto& r = sim_.random();
    std::string body = co_await x.body().text();
    if (r.chance(trouble)) {
      auto refused = r.chance(0.5) ? status(500, "InternalError") : status(429, "TooManyRequests");
      if (r.chance(0.5)) refused.headers.add("Retry-After", "1");
      co_return co_await x.respond(std::move(refused));
    }
    if (x.request().path().find("/leases") != std::string_view::npos) co_return co_await answer(x, lease(x, body));
    if (x.request().query_value("watch")) co_return co_await watch(x);
    co_await answer(x, list(x));
  }

  /// The effect is done; the answer may be lost.
  rt::task<void> answer(net::exchange& x, net::response whole) {
    if (!sim_.random().chance(trouble)) co_return co_await x.respond(std::move(whole));
    const auto text = std::exchange(whole.body, {});
    auto w = co_await x.start(std::move(whole));
    if (!text.empty()) co_await w->write(std::string_view(text).substr(0, sim_.random().below(text.size())));
  }

  net::response lease(net::exchange& x, const std::string& body) {
    const auto method = x.request().method;
    if (method == "GET" && !lease_) return status(404, "NotFound");
    if (method != "GET") {
      auto given = boost::json::parse(body);
      if (method == "POST" && lease_) return status(409, "AlreadyExists");
      if (method == "PUT") {
        if (!lease_) return status(404, "NotFound");
        if (given.at("metadata").at("resourceVersion") != lease_->at("metadata").at("resourceVersion"))
          return status(409, "Conflict");
      }
      given.at("metadata").as_object()["resourceVersion"] = std::to_string(++version_);
      lease_ = std::move(given);
    }
    return net::response::json(200, boost::json::serialize(*lease_));
  }

  net::response list(net::exchange& x) {
    const auto token = x.request().query_value("continue");
    const auto limit = std::strtoul(x.request().query_value("limit").value_or("0").c_str(), nullptr, 10);
    std::uint64_t id = 0;
    std::size_t from = 0;
    if (token) {
      std::sscanf(token->c_str(), "%lu-%zu", &id, &from);
      if (!snapshots_.contains(id)) return status(410, "Expired");
    } else {
      id = ++snapshot_ids_;
      auto& s = snapshots_[id];
      s.version = version_;
      for (const auto& [name, p] : pods_) s.items.push_back(p);
    }
    const auto& s = snapshots_[id];
    boost::json::array items;
    auto to = limit ? std::min(s.items.size(), from + limit) : s.items.size();
    for (auto i = from; i < to; ++i) items.push_back(s.items[i]);
    boost::json::object meta{{"resourceVersion", std::to_string(s.version)}};
    if (to < s.items.size()) meta["continue"] = std::to_string(id) + "-" + std::to_string(to);
    return net::response::json(
        200, boost::json::serialize(boost::json::value{{"kind", "PodList"}, {"metadata", meta}, {"items", items}}));
  }

  rt::task<void> watch(net::exchange& x) {
    auto& r = sim_.random();
    auto seen = std::strtoull(x.request().query_value("resourceVersion").value_or("0").c_str(), nullptr, 10);
    const bool gone = seen < floor_;
    if (gone && r.chance(0.5)) co_return co_await x.respond(status(410, "Expired"));
    net::response head;
    head.headers.add("Content-Type", "application/json");
    auto w = co_await x.start(std::move(head));
    if (gone) {
      co_await w->write(line("ERROR", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}}));
      co_return co_await w->finish();
    }
    const auto end = rt::clock::now() + r.between(std::chrono::seconds(1), std::chrono::minutes(3));
    while (!stopping_ && rt::clock::now() < end) {
      if (seen < floor_) break;  // fell behind: the server ends it
      const noted* next = nullptr;
      for (const auto& n : log_)
        if (n.version > seen) {
          next = &n;
          break;
        }
      if (!next) {
        const bool timed = co_await wait_changed(std::chrono::seconds(20));
        if (timed && r.chance(0.5))
          co_await w->write(
              line("BOOKMARK", {{"kind", "Pod"}, {"metadata", {{"resourceVersion", std::to_string(seen)}}}}));
        continue;
      }
      seen = next->version;
      const auto text = line(next->type.c_str(), next->object);
      if (r.chance(trouble / 4)) co_return co_await w->write(std::string_view(text).substr(0, r.below(text.size())));
      co_await w->write(text);
    }
    co_await w->finish();
  }

  /// True when nothing changed for so long.
  rt::task<bool> wait_changed(rt::duration limit) {
    try {
      co_await rt::with_timeout(limit, [](fake_api& self) -> rt::task<void> { co_await self.changed_.wait(); }(*this));
    } catch (const failure& f) {
      if (f.disposition() != disposition::timed_out) throw;
      co_return true;
    }
    co_return false;
  }

  static std::string line(const char* type, boost::json::value object) {
    return boost::json::serialize(boost::json::value{{"type", type}, {"object", std::move(object)}}) + "\n";
  }

  sim::simulation& sim_;
  net::http_server server_;
  std::map<std::string, boost::json::value> pods_;
  std::optional<boost::json::value> lease_;
  std::deque<noted> log_;
  std::map<std::uint64_t, snapshot> snapshots_;
  std::uint64_t version_ = 10, floor_ = 0, snapshot_ids_ = 0;
  rt::condition changed_;
  bool stopping_ = false;
};

}  // namespace atrium::tests
