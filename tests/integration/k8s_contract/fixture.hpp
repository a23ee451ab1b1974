/// @file fixture.hpp - a namespace of its own for each case, on both backends.
#pragma once

#include <boost/json.hpp>

#include "atrium/k8s/client.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/objects.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/clean_up.hpp"
#include "tests/support/cluster.hpp"

namespace atrium::k8s {

namespace json = boost::json;
using namespace std::chrono_literals;
namespace kinds = resources;

class contract : public tests::on_backends {
 protected:
  /// Runs body(client, namespace) and removes the namespace's objects by removing it.
  void on_cluster(std::function<rt::task<void>(client&, std::string)> body, rt::duration limit = 60s) {
    auto& cluster = tests::cluster::shared();
    run(
        [](tests::cluster& cl, std::function<rt::task<void>(client&, std::string)>& f) -> rt::task<void> {
          client c(cl.config());
          const std::string ns = "t" + std::to_string(::getpid()) + "-" + std::to_string(++number());
          co_await c.create(kinds::namespaces, "", {{"metadata", {{"name", ns}}}});
          co_await tests::with_clean_up(f(c, ns), c.remove(kinds::namespaces, "", ns));
        }(cluster, body),
        limit);
  }
  static int& number() {
    static int n = 0;
    return n;
  }
};

inline json::value map_of(std::string_view name, json::object data, json::object labels = {}) {
  return {{"metadata", {{"name", name}, {"labels", std::move(labels)}}}, {"data", std::move(data)}};
}

/// A pod that no node takes, for tests of the API alone.
inline json::value idle_pod(std::string_view name) {
  return {{"metadata", {{"name", name}, {"labels", {{"app", "a"}}}}},
          {"spec",
           {{"nodeSelector", {{"atrium/no-such-node", "true"}}},
            {"containers", json::array{{{"name", "main"}, {"image", "a:1"}}, {{"name", "side"}, {"image", "b:1"}}}}}}};
}

/// The error that `t` ends with.
template <class T>
rt::task<error> failure_of(rt::task<T> t) {
  try {
    co_await std::move(t);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    co_return f.error();
  }
  fail(disposition::failed, "a failure was expected");
}

}  // namespace atrium::k8s
