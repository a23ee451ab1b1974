/// @file credentials.hpp - the certificate, the administrator's token and the kubeconfig file. Layer: apps/devcluster.
#pragma once

#include <string>

#include "atrium/net/tls.hpp"

namespace atrium::devcluster {

struct credentials {
  std::string ca_pem, certificate_pem, private_key_pem, token;
};

/// Reads them from `folder`, or makes and writes them (mode 0600). @errors denied, failed
credentials load_credentials(const std::string& folder);

/// Writes a kubeconfig (mode 0600, by rename) for the API at `server` ("https://127.0.0.1:6443").
void write_kubeconfig(const std::string& file, const credentials& c, const std::string& server);

}  // namespace atrium::devcluster
