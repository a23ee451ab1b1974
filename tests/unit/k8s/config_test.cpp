#include "atrium/k8s/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace atrium::k8s {
namespace {

struct folder {
  std::string path;
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "atrium-k8s-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, std::string_view text) { std::ofstream(path + "/" + name) << text; }
};

constexpr std::string_view sample = R"(
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: c
  cluster:
    server: https://10.0.0.1:6443/k8s/c1/
    certificate-authority: ca.pem
- name: other
  cluster: {server: "http://127.0.0.1:8001", insecure-skip-tls-verify: true}
users:
- name: u
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
- name: t
  user: {token: "12345", tokenFile: token}
contexts:
- name: here
  context: {cluster: c, user: u, namespace: projects}
- name: there
  context: {cluster: other, user: t}
- name: broken
  context: {cluster: nowhere, user: t}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
  folder f;
  f.write("ca.pem", "the ca");
  const auto c = parse_kubeconfig(sample, f.path).value();
  EXPECT_TRUE(c.server.secure);
  EXPECT_EQ(c.server.host, "10.0.0.1");
  EXPECT_EQ(c.server.port, 6443);
  EXPECT_EQ(c.path_prefix, "/k8s/c1");
  EXPECT_EQ(c.ca_pem, "the ca");
  EXPECT_EQ(c.client_certificate_pem, "cert");
  EXPECT_EQ(c.client_key_pem, "key");
  EXPECT_EQ(c.default_namespace, "projects");
}

TEST(Kubeconfig, ReadsANamedContext) {
  const auto c = parse_kubeconfig(sample, "/folder", "there").value();
  EXPECT_FALSE(c.server.secure);
  EXPECT_TRUE(c.insecure);
  EXPECT_EQ(c.token, "12345");
  EXPECT_EQ(c.token_file, "/folder/token");
  EXPECT_EQ(c.default_namespace, "default");
}

TEST(Kubeconfig, SaysWhatIsWrong) {
  EXPECT_NE(parse_kubeconfig(sample, "", "nobody").error().public_text().find("nobody"), std::string::npos);
  EXPECT_NE(parse_kubeconfig(sample, "", "broken").error().public_text().find("cluster"), std::string::npos);
  EXPECT_EQ(parse_kubeconfig("a: [", "").error().disposition(), disposition::invalid);
  EXPECT_EQ(parse_kubeconfig("", "").error().disposition(), disposition::invalid);
  EXPECT_EQ(parse_kubeconfig("just text", "").error().disposition(), disposition::invalid);
  EXPECT_EQ(parse_kubeconfig(sample, "/nowhere").error().disposition(), disposition::not_found) << "the CA's file";
}

TEST(Kubeconfig, RefusesExternalPrograms) {
  const auto c = parse_kubeconfig(R"({"current-context":"x","clusters":[{"name":"c","cluster":{"server":"https://a"}}],
    "users":[{"name":"u","user":{"exec":{"command":"aws"}}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}]})",
                                  "");
  ASSERT_FALSE(c);
  EXPECT_NE(c.error().public_text().find("external program"), std::string::npos);
}

TEST(InCluster, ReadsTheServiceAccount) {
  folder f;
  f.write("token", "secret\n");
  f.write("ca.crt", "the ca");
  f.write("namespace", "atrium\n");
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(in_cluster_config(f.path).error().disposition(), disposition::not_found);
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto c = in_cluster_config(f.path).value();
  unsetenv("KUBERNETES_SERVICE_HOST");
  unsetenv("KUBERNETES_SERVICE_PORT");
  EXPECT_EQ(c.server.port, 443);
  EXPECT_TRUE(c.server.secure);
  EXPECT_EQ(c.token_file, f.path + "/token");
  EXPECT_EQ(c.default_namespace, "atrium");
}

}  // namespace
}  // namespace atrium::k8s
