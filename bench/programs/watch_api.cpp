// An API with as many running project pods as its input has lines (project ids), to be listed and watched:
// bench_watch_api EVENTS. Prints its port; EVENTS changes of pods a second follow.
#include <cstdio>
#include <iostream>

#include "api_double.hpp"
#include "atrium/rt/loop.hpp"

namespace rt = atrium::rt;

namespace {

/// As a kubelet and a scheduler leave it, with what clients do not need as well: about 5 KB.
std::string pod_of(const std::string& id, int number, unsigned version) {
  const auto text = [&](const std::string& t) { return "\"" + t + "\""; };
  const auto ip = "10." + std::to_string(number / 65536) + "." + std::to_string(number / 256 % 256) + "." +
                  std::to_string(number % 256);
  std::string managed;
  for (const char* who : {"atrium", "kube-scheduler", "kubelet"})
    managed +=
        std::string(managed.empty() ? "" : ",") + R"({"apiVersion":"v1","fieldsType":"FieldsV1","manager":")" + who +
        R"(","operation":"Update","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:run":{},"f:project_id":{},"f:project_tag":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"project\"}":{".":{},"f:env":{".":{},"k:{\"name\":\"ATRIUM_PROJECT_ID\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"ATRIUM_SECRET_TOKEN\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":6000,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}}}}}}})";
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"project-)" + id + R"(","namespace":"default","uid":)" +
         text("9" + id.substr(1)) + R"(,"resourceVersion":")" + std::to_string(version) +
         R"(","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"run":"project","project_id":)" + text(id) +
         R"(,"project_tag":"1"},"annotations":{"atrium.dev/fence":"1"},"managedFields":[)" + managed +
         R"(]},"spec":{"nodeName":"node-)" + std::to_string(number / 110) +
         R"(","restartPolicy":"Always","terminationGracePeriodSeconds":30,"volumes":[{"name":"home","hostPath":{"path":"/projects/)" +
         id +
         R"("}}],"containers":[{"name":"project","image":"registry/project:1","ports":[{"containerPort":6000},{"containerPort":6001}],"env":[{"name":"ATRIUM_PROJECT_ID","value":)" +
         text(id) +
         R"(},{"name":"ATRIUM_SECRET_TOKEN","value":"0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"}],"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m","memory":"256Mi"}},"volumeMounts":[{"name":"home","mountPath":"/home/user"}]}],"tolerations":[{"key":"cocalc-projects","value":"init","effect":"NoSchedule"}]},"status":{"phase":"Running","podIP":)" +
         text(ip) +
         R"(,"conditions":[{"type":"PodScheduled","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Initialized","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"ContainersReady","status":"True","lastTransitionTime":"2026-01-01T00:00:02Z"},{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:02Z"}],"containerStatuses":[{"name":"project","ready":true,"restartCount":)" +
         std::to_string(version % 3) +
         R"(,"image":"registry/project:1","state":{"running":{"startedAt":"2026-01-01T00:00:01Z"}}}],"startTime":"2026-01-01T00:00:00Z"}})";
}

rt::task<void> change_pods(bench::api_double& api, const std::vector<std::string>& ids, int per_second) {
  unsigned version = 1000;
  for (std::size_t i = 0;; i = (i + 7919) % ids.size()) {
    co_await rt::sleep_for(std::chrono::seconds(1) / per_second);
    api.tell("MODIFIED", pod_of(ids[i], int(i), ++version));
  }
}

rt::task<void> run(int per_second) {
  bench::api_double api;
  std::vector<std::string> ids;
  for (std::string line; std::getline(std::cin, line);) ids.push_back(line);
  for (std::size_t i = 0; i < ids.size(); ++i) api.pods.push_back(pod_of(ids[i], int(i), 99));
  auto l = rt::listener::bind(rt::endpoint::ip("127.0.0.1", 0));
  std::printf("%u %zu\n", unsigned(l.local().port()), api.pods[0].size());
  std::fflush(stdout);
  co_await rt::all(api.serve(l), change_pods(api, ids, per_second));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  rt::loop().run(run(std::atoi(argv[1])));
}
