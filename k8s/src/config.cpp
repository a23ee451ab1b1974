#include "atrium/k8s/config.hpp"

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "atrium/k8s/json.hpp"

namespace atrium::k8s {

namespace json = boost::json;

namespace {

error wrong(std::string sentence) { return error(disposition::invalid, std::move(sentence)).with_code("k8s.config"); }

result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return error(disposition::not_found, "The file " + path + " cannot be read.").with_code("k8s.config");
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The entry of `list` with that name: [{name, <inner>: {...}}].
const json::value* named(const json::value& root, std::string_view list, std::string_view name,
                         std::string_view inner) {
  const auto* items = find(root, {list});
  if (!items || !items->is_array()) return nullptr;
  for (const auto& item : items->get_array())
    if (text_at(item, {"name"}) == name) return find(item, {inner});
  return nullptr;
}

std::string absolute(const std::string& folder, const std::string& path) {
  return std::filesystem::path(path).is_absolute() ? path : (std::filesystem::path(folder) / path).string();
}

/// `<key>-data` (base64) wins over `<key>` (a file), as with kubectl.
result<std::string> pem_of(const json::value& entry, std::string_view key, const std::string& folder) {
  const std::string data_key = std::string(key) + "-data";
  if (auto data = text_at(entry, {data_key}); !data.empty()) {
    auto plain = decode_base64(data);
    if (!plain) return wrong("The kubeconfig's " + data_key + " is not valid base64.");
    return plain;
  }
  if (auto file = text_at(entry, {key}); !file.empty()) return read_text(absolute(folder, file));
  return std::string();
}

result<void> read_server(config& out, const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return wrong("The kubeconfig's server must be an http or https address.");
  const auto slash = url.find('/', scheme + 3);
  auto origin = net::origin::parse(url.substr(0, slash));
  if (!origin) return wrong("The kubeconfig's server is not a valid address.");
  out.server = std::move(*origin);
  if (slash != std::string::npos) out.path_prefix = url.substr(slash);
  while (!out.path_prefix.empty() && out.path_prefix.back() == '/') out.path_prefix.pop_back();
  return {};
}

result<void> read_user(config& out, const json::value& user, const std::string& folder) {
  if (find(user, {"exec"}) || find(user, {"auth-provider"}))
    return wrong(
        "The kubeconfig signs in with an external program, which is not supported: use a token or a client "
        "certificate.");
  auto certificate = pem_of(user, "client-certificate", folder);
  if (!certificate) return std::move(certificate).error();
  auto key = pem_of(user, "client-key", folder);
  if (!key) return std::move(key).error();
  if (certificate->empty() != key->empty())
    return wrong("The kubeconfig's client certificate and key must both be there.");
  out.client_certificate_pem = std::move(*certificate);
  out.client_key_pem = std::move(*key);
  out.token = text_at(user, {"token"});
  if (auto file = text_at(user, {"tokenFile"}); !file.empty()) out.token_file = absolute(folder, file);
  return {};
}

}  // namespace

result<config> parse_kubeconfig(std::string_view text, const std::string& folder, std::string_view context) {
  auto root = parse_yaml(text);
  if (!root) return std::move(root).error();
  const std::string chosen = context.empty() ? text_at(*root, {"current-context"}) : std::string(context);
  if (chosen.empty()) return wrong("The kubeconfig has no current-context: set one or name a context.");
  const auto* entry = named(*root, "contexts", chosen, "context");
  if (!entry) return wrong("The kubeconfig has no context '" + chosen + "'.");
  const auto* cluster = named(*root, "clusters", text_at(*entry, {"cluster"}), "cluster");
  if (!cluster) return wrong("The kubeconfig's context '" + chosen + "' names a cluster that is not there.");

  config out;
  if (auto read = read_server(out, text_at(*cluster, {"server"})); !read) return std::move(read).error();
  out.insecure = boolean_at(*cluster, {"insecure-skip-tls-verify"});
  if (find(*cluster, {"tls-server-name"}))
    return wrong(
        "The kubeconfig uses tls-server-name, which is not supported: give the server by the name in its certificate.");
  auto ca = pem_of(*cluster, "certificate-authority", folder);
  if (!ca) return std::move(ca).error();
  out.ca_pem = std::move(*ca);
  if (auto ns = text_at(*entry, {"namespace"}); !ns.empty()) out.default_namespace = std::move(ns);

  if (const auto name = text_at(*entry, {"user"}); !name.empty()) {
    const auto* user = named(*root, "users", name, "user");
    if (!user) return wrong("The kubeconfig's context '" + chosen + "' names a user that is not there.");
    if (user->is_object())
      if (auto read = read_user(out, *user, folder); !read) return std::move(read).error();
  }
  return out;
}

result<config> in_cluster_config(const std::string& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (!host || !*host || !port || !*port)
    return error(disposition::not_found, "This process does not run in a Kubernetes pod: give it --kubeconfig FILE.")
        .with_code("k8s.config");
  config out;
  const std::string address = host;
  const std::string bracketed = address.find(':') == std::string::npos ? address : "[" + address + "]";
  if (auto read = read_server(out, "https://" + bracketed + ":" + port); !read) return std::move(read).error();
  out.token_file = folder + "/token";
  if (auto token = read_text(out.token_file); !token) return std::move(token).error();
  auto ca = read_text(folder + "/ca.crt");
  if (!ca) return std::move(ca).error();
  out.ca_pem = std::move(*ca);
  if (auto ns = read_text(folder + "/namespace")) out.default_namespace = trimmed(std::move(*ns));
  return out;
}

config config::load(const std::string& kubeconfig, std::string_view context) {
  if (kubeconfig.empty()) return in_cluster_config().value();
  return parse_kubeconfig(read_text(kubeconfig).value(), std::filesystem::path(kubeconfig).parent_path().string(),
                          context)
      .value();
}

}  // namespace atrium::k8s
