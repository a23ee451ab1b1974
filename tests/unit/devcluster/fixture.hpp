// A cluster without I/O: requests in, answers out, a clock that stands still until told.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apps/devcluster/api/api.hpp"
#include "atrium/net/http.hpp"

namespace atrium::devcluster {

class cluster {
 public:
  explicit cluster(store_limits limits = {}) : store(limits), objects(store, [this] { return now; }), front(objects) {
    objects.bootstrap();
  }

  outcome call(std::string method, std::string target, std::string body = {}, std::string type = "application/json",
               std::string accept = "application/json") {
    api_request r;
    r.method = std::move(method);
    r.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) r.query = net::parse_form(target.substr(target.find('?') + 1));
    r.body = std::move(body);
    r.content_type = std::move(type);
    r.accept = std::move(accept);
    return front.handle(r);
  }
  api_answer answer(std::string method, std::string target, std::string body = {},
                    std::string type = "application/json", std::string accept = "application/json") {
    return std::get<api_answer>(
        call(std::move(method), std::move(target), std::move(body), std::move(type), std::move(accept)));
  }
  json::value ok(std::string method, std::string target, std::string body = {}, std::string type = "application/json") {
    const auto a = answer(std::move(method), std::move(target), std::move(body), std::move(type));
    EXPECT_LT(a.status, 300u) << a.body;
    return json::parse(a.body);
  }
  /// The reason of a refusal.
  std::string refused(unsigned status, std::string method, std::string target, std::string body = {},
                      std::string type = "application/json") {
    const auto a = answer(std::move(method), std::move(target), std::move(body), std::move(type));
    EXPECT_EQ(a.status, status) << a.body;
    const auto v = json::parse(a.body);
    EXPECT_EQ(text_at(v, {"kind"}), "Status");
    EXPECT_FALSE(text_at(v, {"message"}).empty());
    return std::string(text_at(v, {"reason"}));
  }

  wall_time now = std::chrono::system_clock::from_time_t(1'800'000'000);
  object_store store;
  registry objects;
  api front;
};

inline std::string pod_text(const std::string& name, const std::string& labels = "{}") {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name + R"(","labels":)" + labels +
         R"(},"spec":{"containers":[{"name":"main","image":"atrium"}]}})";
}

inline const std::string pods_path = "/api/v1/namespaces/default/pods";
inline const std::string config_path = "/api/v1/namespaces/default/configmaps";
inline const std::string merge_type = "application/merge-patch+json",
                         strategic_type = "application/strategic-merge-patch+json",
                         json_patch_type = "application/json-patch+json", apply_type = "application/apply-patch+yaml";

}  // namespace atrium::devcluster
