/// @file config.hpp - where the Kubernetes API is and how we sign in: kubeconfig file or service account. Layer: k8s.
#pragma once

#include <string>
#include <string_view>

#include "atrium/net/client.hpp"

namespace atrium::k8s {

/// A value: everything that a client needs, with file contents already read, except the token file, which is read again
/// when it gets old (bound service account tokens are replaced about hourly).
struct config {
  net::origin server;
  std::string path_prefix;  ///< path of the server URL ("/k8s/clusters/c1"), without trailing slash
  std::string ca_pem;       ///< empty: the system's store
  bool insecure = false;    ///< do not verify the server's certificate
  std::string client_certificate_pem, client_key_pem;
  std::string token;  ///< used when token_file is empty
  std::string token_file;
  std::string default_namespace = "default";

  /// `kubeconfig` not empty: that file (YAML or JSON), its current-context or `context`. Else the service account of
  /// the pod we run in. Reads files, blocking: call it at start.
  /// @errors failure: not_found (no such file, not in a cluster), invalid (malformed, unknown context, exec plugins)
  static config load(const std::string& kubeconfig, std::string_view context = {});
};

/// Parses kubeconfig text. `folder` is where relative file names start; files named in it are read.
/// @errors invalid, not_found. Every sentence says which entry is wrong.
result<config> parse_kubeconfig(std::string_view text, const std::string& folder, std::string_view context = {});

/// The service account of this pod: environment KUBERNETES_SERVICE_HOST/PORT and the files below `folder`.
/// @errors not_found when there is none
result<config> in_cluster_config(const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace atrium::k8s
