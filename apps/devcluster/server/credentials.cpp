#include "apps/devcluster/server/credentials.hpp"

#include <filesystem>

#include "apps/devcluster/store/files.hpp"
#include "apps/domain/crypto.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

credentials load_credentials(const std::string& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  credentials c;
  // ca.pem is written last: when it is there, the others are too.
  if (!fs::exists(folder + "/ca.pem")) {
    const auto made = net::make_self_signed({"localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default.svc"});
    write_text(folder + "/token", domain::random_token(48), 0600);
    write_text(folder + "/server-key.pem", made.server.private_key_pem, 0600);
    write_text(folder + "/server.pem", made.server.certificate_pem, 0600);
    write_text(folder + "/ca.pem", made.ca_pem, 0600);
  }
  c.ca_pem = read_text(folder + "/ca.pem");
  c.certificate_pem = read_text(folder + "/server.pem");
  c.private_key_pem = read_text(folder + "/server-key.pem");
  c.token = read_text(folder + "/token");
  if (c.token.size() < 32 || c.private_key_pem.empty() || c.certificate_pem.empty())
    fail(disposition::failed,
         "The credentials in the state folder are damaged; remove its pki folder to have new ones made.");
  return c;
}

void write_kubeconfig(const std::string& file, const credentials& c, const std::string& server) {
  std::string text = "apiVersion: v1\nkind: Config\ncurrent-context: atrium\n";
  text += "clusters:\n- name: atrium\n  cluster:\n    server: " + server +
          "\n    certificate-authority-data: " + k8s::encode_base64(c.ca_pem) + "\n";
  text += "users:\n- name: admin\n  user:\n    token: " + c.token + "\n";
  text += "contexts:\n- name: atrium\n  context:\n    cluster: atrium\n    user: admin\n    namespace: default\n";
  if (const auto folder = fs::path(file).parent_path(); !folder.empty()) fs::create_directories(folder);
  write_text(file, text, 0600);
}

}  // namespace atrium::devcluster
