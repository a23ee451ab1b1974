/// @file api_double.hpp - as much of the Kubernetes API as manage-action and manage-state ask for, with no cluster
/// behind it: ConfigMaps of projects, Pods to list in pages, to watch and to create, Leases. Layer: bench.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "atrium/net/server.hpp"
#include "atrium/rt/sync.hpp"

namespace bench {

namespace net = atrium::net;
namespace rt = atrium::rt;

class api_double {
 public:
  /// How long a POST of a Pod takes before it is answered.
  rt::duration create_takes = std::chrono::milliseconds(5);
  /// Called with the name of each Pod as its POST arrives.
  std::function<void(std::string_view name)> on_pod;

  /// Pods that are there from the start, as JSON texts.
  std::vector<std::string> pods;
  int watches = 0;

  /// Sends an event to all watches of Pods.
  void tell(const char* type, const std::string& pod) {
    const auto line = std::string("{\"type\":\"") + type + "\",\"object\":" + pod + "}\n";
    for (auto* w : watchers_) w->pending += line;
    changed_.notify_all();
  }

  rt::task<void> handle(net::exchange& x) {
    const auto path = x.request().path();
    const auto body = co_await x.body().text();
    if (path.ends_with("/pods")) {
      if (x.request().method == "POST") co_return co_await create(x, body);
      if (x.request().query_value("watch")) co_return co_await watch(x, true);
      co_return co_await x.respond(json(200, pod_page(x)));
    }
    if (path.find("/leases") != std::string_view::npos) co_return co_await lease(x, body);
    if (x.request().query_value("watch")) co_return co_await watch(x, false);
    co_await x.respond(json(200, path.ends_with("/configmaps") ? config_maps() : empty_list("List")));
  }

  rt::task<void> serve(rt::listener& l) {
    net::http_server server([this](net::exchange& x) { return handle(x); });
    co_await server.serve(l);
  }

 private:
  static constexpr std::size_t name_size = 8 + 36;

  struct watcher {
    std::string pending;
  };

  static net::response json(unsigned status, std::string text) { return net::response::json(status, std::move(text)); }
  static std::string empty_list(const char* kind) {
    return std::string("{\"kind\":\"") + kind + "\",\"metadata\":{\"resourceVersion\":\"100\"},\"items\":[]}";
  }
  static std::string config_maps() {
    return R"({"kind":"ConfigMapList","metadata":{"resourceVersion":"100"},"items":[
{"metadata":{"name":"project-pod","namespace":"default","resourceVersion":"1"},"data":{"pod.yaml":"spec:\n  containers:\n  - name: project\n    ports: [{containerPort: 6000}, {containerPort: 6001}]\n    volumeMounts: [{name: home, mountPath: /home/user}]\n  volumes: [{name: home, hostPath: {path: '/projects/${project_id}'}}]\n"}},
{"metadata":{"name":"project-image","namespace":"default","resourceVersion":"2"},"data":{"image":"registry/project","tag":"1"}}]})";
  }

  std::string pod_page(net::exchange& x) const {
    const auto number = [&](const char* name) {
      return std::strtoul(x.request().query_value(name).value_or("0").c_str(), nullptr, 10);
    };
    const auto from = number("continue"), limit = number("limit");
    const auto to = limit ? std::min(pods.size(), from + limit) : pods.size();
    std::string out = R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"100")";
    if (to < pods.size()) out += ",\"continue\":\"" + std::to_string(to) + "\"";
    out += "},\"items\":[";
    for (auto i = from; i < to; ++i) (out += pods[i]) += i + 1 < to ? "," : "";
    return out + "]}";
  }

  rt::task<void> create(net::exchange& x, const std::string& body) {
    // The first text of the form "project-UUID": whoever asks writes JSON its own way.
    constexpr std::string_view mark = "\"project-";
    auto at = body.find(mark);
    while (at != std::string::npos && body.find('"', at + 1) != at + 1 + name_size) at = body.find(mark, at + 1);
    if (at == std::string::npos) co_return co_await x.respond(json(422, "{\"kind\":\"Status\",\"code\":422}"));
    const auto name = body.substr(at + 1, name_size);
    if (on_pod) on_pod(name);
    if (create_takes > rt::duration::zero()) co_await rt::sleep_for(create_takes);
    const auto version = std::to_string(++version_);
    co_await x.respond(json(201, R"({"kind":"Pod","metadata":{"namespace":"default","name":")" + name + R"(","uid":")" +
                                     version + R"(","resourceVersion":")" + version + "\"}}"));
  }

  /// One of each name; the newest wins.
  rt::task<void> lease(net::exchange& x, const std::string& body) {
    const auto method = x.request().method;
    const std::string path(x.request().path());
    if (method == "GET") {
      const auto at = leases_.find(path);
      if (at == leases_.end())
        co_return co_await x.respond(json(404, R"({"kind":"Status","reason":"NotFound","code":404})"));
      co_return co_await x.respond(json(200, at->second));
    }
    const auto name = method == "POST" ? path + "/atrium-manage-state" : path;
    auto& kept = leases_[name] = body;
    constexpr std::string_view meta = "\"metadata\":{";
    if (const auto at = kept.find(meta); at != std::string::npos && kept.find("resourceVersion") == std::string::npos)
      kept.insert(at + meta.size(), "\"resourceVersion\":\"" + std::to_string(++version_) + "\",");
    co_await x.respond(json(method == "POST" ? 201 : 200, kept));
  }

  rt::task<void> watch(net::exchange& x, bool of_pods) {
    net::response head;
    head.headers.add("Content-Type", "application/json");
    auto w = co_await x.start(std::move(head));
    watcher mine;
    struct mark {
      api_double& in;
      watcher* self;
      mark(api_double& d, watcher* m) : in(d), self(m) {
        in.watchers_.push_back(m);
        ++in.watches;
        in.changed_.notify_all();
      }
      ~mark() {
        std::erase(in.watchers_, self);
        --in.watches;
      }
    } listed(*this, &mine);
    for (;;) {
      while (mine.pending.empty()) co_await changed_.wait();
      const auto text = std::exchange(mine.pending, {});
      if (of_pods) co_await w->write(text);
    }
  }

  std::vector<watcher*> watchers_;
  std::map<std::string, std::string> leases_;
  rt::condition changed_;
  unsigned version_ = 1000;
};

}  // namespace bench
