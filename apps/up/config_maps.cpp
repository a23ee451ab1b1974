#include "apps/up/config_maps.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <sstream>

#include "atrium/k8s/client.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::up {

namespace json = boost::json;

namespace {

constexpr std::string_view pod_template =
    R"(# Template of every project pod. ${project_id} is replaced; name, labels, image, environment and resources are set by
# manage-action. Edit it, then restart `atrium up`.
apiVersion: v1
kind: Pod
spec:
  hostname: project
  restartPolicy: Always
  terminationGracePeriodSeconds: 10
  automountServiceAccountToken: false
  securityContext: {runAsUser: 2001, runAsGroup: 2001, fsGroup: 2001}
  containers:
    - name: project
      command: [atrium, project]
      ports:
        - {name: hub, containerPort: 6000}
        - {name: browser, containerPort: 6001}
        - {name: ssh, containerPort: 2222}
      readinessProbe:
        httpGet: {path: /ready, port: 6001}
        periodSeconds: 1
      volumeMounts:
        - {name: home, mountPath: /home/user}
  volumes:
    - name: home
      hostPath: {path: "PROJECTS/${project_id}", type: DirectoryOrCreate}
)";

constexpr std::string_view image_defaults = "image: atrium/project\ntag: local\n";

rt::task<std::string> read_or_write_default(std::string path, std::string content) {
  if (!std::filesystem::exists(path)) co_await rt::write_file(path, content);
  co_return co_await rt::read_file(path);
}

/// `key: value` lines; that is all the image file has.
json::object flat_yaml(const std::string& text) {
  json::object out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string::npos) continue;
    out[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return out;
}

rt::task<void> put(k8s::client& c, std::string name, json::object data) {
  bool missing = false;
  try {
    const auto now = co_await c.get(k8s::resources::configmaps, "default", name);
    if (now.as_object().contains("data") && now.at("data") == json::value(data)) co_return;
    co_await c.patch(k8s::resources::configmaps, "default", name, k8s::patch_type::merge, {{"data", data}});
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
    missing = true;
  }
  if (missing)
    co_await c.create(k8s::resources::configmaps, "default", {{"metadata", {{"name", name}}}, {"data", data}});
}

}  // namespace

rt::task<void> write_config_maps(const layout& l) {
  std::string pod(pod_template);
  pod.replace(pod.find("PROJECTS"), 8, l.state + "/projects");
  const auto pod_text = co_await read_or_write_default(l.state + "/config/project-pod.yaml", pod);
  const auto image_text =
      co_await read_or_write_default(l.state + "/config/project-image.yaml", std::string(image_defaults));
  k8s::client client(k8s::config::load(l.kubeconfig()));
  co_await put(client, "project-pod", {{"pod.yaml", pod_text}});
  co_await put(client, "project-image", flat_yaml(image_text));
}

}  // namespace atrium::up
