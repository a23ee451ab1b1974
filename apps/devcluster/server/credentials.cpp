#include "apps/devcluster/server/credentials.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/domain/crypto.hpp"
#include "atrium/k8s/json.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_private(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw failure(system_error(errno, "Cannot write a file of credentials"));
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fchmod(fd, 0600) == 0;
  const int problem = errno;
  ::close(fd);
  if (!ok) throw failure(system_error(problem, "Cannot write a file of credentials"));
  fs::rename(beside, path);
}

}  // namespace

credentials load_credentials(const std::string& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  credentials c;
  // ca.pem is written last: when it is there, the others are too.
  if (!fs::exists(folder + "/ca.pem")) {
    const auto made = net::make_self_signed({"localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default.svc"});
    write_private(folder + "/token", domain::random_token(48));
    write_private(folder + "/server-key.pem", made.server.private_key_pem);
    write_private(folder + "/server.pem", made.server.certificate_pem);
    write_private(folder + "/ca.pem", made.ca_pem);
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
  write_private(file, text);
}

}  // namespace atrium::devcluster
