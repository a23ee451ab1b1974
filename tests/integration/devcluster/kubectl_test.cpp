// Every kubectl of this machine against the same cluster.
#include "tests/integration/devcluster/fixture.hpp"

namespace atrium::tests {

class Kubectl : public Devcluster, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    Devcluster::SetUp();
    if (!IsSkipped()) kubectl_file = GetParam();
  }
};

TEST_P(Kubectl, AppliesPatchesLabelsDescribesDeletes) {
  apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: one, b: two}\n");
  apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: three}\n");
  EXPECT_EQ(field("configmap c", ".data"), R"({"a":"three"})");
  ok("patch configmap c --type=merge -p '{\"data\":{\"x\":\"1\"}}'");
  ok("patch configmap c --type=json -p "
     "'[{\"op\":\"test\",\"path\":\"/data/x\",\"value\":\"1\"},{\"op\":\"remove\",\"path\":\"/data/x\"}]'");
  ok("patch configmap c -p '{\"data\":{\"y\":\"2\"}}'");
  EXPECT_EQ(field("configmap c", ".data"), R"({"a":"three","y":"2"})");
  ok("label configmap c color=red");
  ok("annotate configmap c note=hello");
  EXPECT_NE(ok("get configmap -l color=red").find("c "), std::string::npos);
  EXPECT_NE(ok("get configmap -l color!=red").find("No resources"), std::string::npos);
  EXPECT_NE(ok("describe configmap c").find("three"), std::string::npos);
  ok("apply --server-side -f " + folder + "/applied.yaml --force-conflicts");
  const auto refused = kubectl("get deployments");
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(kubectl("get configmap none").text.find("NotFound"), std::string::npos);
  ok("delete configmap c");
  EXPECT_NE(kubectl("get configmap c").code, 0);
}

TEST_P(Kubectl, CreatesByItsOwnCommands) {
  ok("create namespace n");
  ok("create configmap c -n n --from-literal=a=b");
  ok("create secret generic s -n n --from-literal=password=hidden");
  EXPECT_EQ(field("configmap c -n n", ".data.a"), "b");
  EXPECT_EQ(field("secret s -n n", ".data.password"), "aGlkZGVu");
  ok("run p -n n --image=atrium --command -- sleep 100");
  ok("wait -n n --for=condition=Ready pod/p --timeout=25s");
  ok("delete namespace n --timeout=25s");
  EXPECT_NE(kubectl("get namespace n").code, 0);
}

TEST_P(Kubectl, RunsLogsExecsInAPod) {
  apply(pod("p", "echo hello from $NAME; trap \"exit 0\" TERM; while :; do sleep 0.1; done", "",
            "    env: [{name: NAME, value: atrium}]\n"));
  wait_ready("p");
  EXPECT_TRUE(eventually([&] { return ok("logs p") == "hello from atrium\n"; }));
  EXPECT_NE(ok("get pods").find("1/1"), std::string::npos);
  EXPECT_NE(ok("describe pod p").find("Started container main"), std::string::npos);
  EXPECT_EQ(ok("exec p -- sh -c 'id -u; echo $NAME; pwd'"), "2001\natrium\n/home/user\n");
  const auto failed = kubectl("exec p -- sh -c 'exit 7'");
  EXPECT_EQ(failed.code, 7) << failed.text;
  EXPECT_EQ(shell("echo piped through | HOME=" + folder + " KUBECONFIG=" + folder + "/kubeconfig " + kubectl_file +
                  " exec -i p -- cat")
                .text,
            "piped through\n");
  const auto terminal = shell("HOME=" + folder + " KUBECONFIG=" + folder + "/kubeconfig script -qec '" + kubectl_file +
                              " exec -it p -- sh -c \"test -t 0 && tty\"' /dev/null </dev/null");
  EXPECT_NE(terminal.text.find("/dev/pts/"), std::string::npos) << terminal.text;
  EXPECT_NE(kubectl("exec p -- no-such-program").code, 0);
  ok("delete pod p --timeout=20s");
}

TEST_P(Kubectl, MovesLargeStreamsWhole) {
  apply(pod("p", "sleep 1000"));
  wait_ready("p");
  const std::string head = "HOME=" + folder + " KUBECONFIG=" + folder + "/kubeconfig " + kubectl_file + " exec ";
  EXPECT_EQ(shell("head -c 5000000 /dev/zero | " + head + "-i p -- wc -c").text, "5000000\n");
  EXPECT_EQ(shell(head + "p -- head -c 5000000 /dev/zero | wc -c").text, "5000000\n");
}

TEST_P(Kubectl, WatchesAndTaints) {
  const std::string seen = folder + "/seen";
  const auto watch = "HOME=" + folder + " KUBECONFIG=" + folder + "/kubeconfig " + kubectl_file;
  // The watch ends by itself when its pod is gone: `kubectl delete --wait` watches too.
  shell("(" + watch + " get configmaps -w -o name >" + seen + " 2>&1 & echo $! >" + folder + "/watch.pid)");
  ok("create -f - <<Y\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: watched}\nY");
  EXPECT_TRUE(eventually([&] { return read(seen).find("configmap/watched") != std::string::npos; }));
  shell("kill $(cat " + folder + "/watch.pid)");

  ok("taint nodes --all dedicated=other:NoSchedule");
  apply(pod("kept-out", "sleep 1000"));
  EXPECT_TRUE(becomes("pod kept-out", ".status.conditions[?(@.type==\"PodScheduled\")].reason", "Unschedulable"));
  EXPECT_NE(ok("describe pod kept-out").find("untolerated taint {dedicated: other}"), std::string::npos);
  ok("taint nodes --all dedicated:NoSchedule-");
  wait_ready("kept-out");
  ok("taint nodes --all gone=yes:NoExecute");
  EXPECT_TRUE(eventually([&] { return kubectl("get pod kept-out").code != 0; }));
  ok("cordon atrium");
  EXPECT_NE(ok("get nodes").find("SchedulingDisabled"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(EveryVersion, Kubectl, testing::ValuesIn(kubectls()), [](const auto& info) {
  std::string name;
  for (const char c : fs::path(info.param).filename().string())
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Kubectl);

}  // namespace atrium::tests
