// What the node does with pods: failures, ends, restarts of devcluster, hostile pods.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <iterator>

#include "tests/integration/devcluster/fixture.hpp"

namespace atrium::tests {

TEST_F(Devcluster, TheAddressOfAPodLeadsToItsSocket) {
  std::ofstream(folder + "/server.py")
      << "import socketserver,http.server\nclass H(http.server.BaseHTTPRequestHandler):\n  def do_GET(s):\n    "
         "s.send_response(200); s.end_headers(); s.wfile.write(b'served')\n"
         "  def address_string(s): return '-'\nclass S(socketserver.ThreadingMixIn,socketserver.UnixStreamServer): "
         "pass\nS('/run/atrium/6001.sock',H).serve_forever()\n";
  ok("create configmap code --from-file=server.py=" + folder + "/server.py");
  apply(pod("p", "exec python3 -u /code/server.py", "  volumes: [{name: code, configMap: {name: code}}]\n",
            "    volumeMounts: [{name: code, mountPath: /code}]\n    ports: [{name: web, containerPort: 6001}]\n"
            "    readinessProbe: {httpGet: {path: /, port: web}}\n"));
  wait_ready("p");
  const auto address = field("pod p", ".status.podIP");
  EXPECT_TRUE(address.starts_with("127.16.")) << address;
  EXPECT_EQ(shell("curl -s http://" + address + ":6001/").text, "served");
  ok("delete pod p");
  EXPECT_NE(shell("curl -s http://" + address + ":6001/").code, 0);
}

TEST_F(Devcluster, FailuresSayWhy) {
  apply(pod("crash", "echo dying; exit 3"));
  apply("apiVersion: v1\nkind: Pod\nmetadata: {name: missing}\nspec: {containers: [{name: main, image: missing/x}]}\n");
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: big}\nspec: {containers: [{name: main, image: x, resources: "
      "{requests: {memory: 900Gi}}}]}\n");
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: nothing}\nspec: {restartPolicy: Never, containers: [{name: main, "
      "image: x, command: [/no/such]}]}\n");
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: outside}\nspec: {volumes: [{name: v, hostPath: {path: /etc}}], "
      "containers: [{name: main, image: x, volumeMounts: [{name: v, mountPath: /v}]}]}\n");
  EXPECT_TRUE(becomes("pod crash", ".status.containerStatuses[0].state.waiting.reason", "CrashLoopBackOff"));
  EXPECT_EQ(field("pod crash", ".status.containerStatuses[0].lastState.terminated.exitCode"), "3");
  EXPECT_EQ(ok("logs crash --previous"), "dying\n");
  EXPECT_TRUE(becomes("pod missing", ".status.containerStatuses[0].state.waiting.reason", "ImagePullBackOff"));
  EXPECT_TRUE(becomes("pod big", ".status.conditions[0].reason", "Unschedulable"));
  EXPECT_TRUE(becomes("pod nothing", ".status.containerStatuses[0].state.terminated.reason", "StartError"));
  EXPECT_EQ(field("pod nothing", ".status.phase"), "Failed");
  EXPECT_TRUE(
      becomes("pod outside", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError"));
  EXPECT_NE(ok("describe pod outside").find("a hostPath must lie below"), std::string::npos);
}

TEST_F(Devcluster, InitContainersComeFirstAndPhasesFollow) {
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Never\n  volumes: [{name: d, emptyDir: "
      "{}}]\n  initContainers:\n"
      "  - {name: first, image: x, command: [sh, -c, 'echo made > /d/file'], volumeMounts: [{name: d, mountPath: "
      "/d}]}\n  containers:\n"
      "  - {name: main, image: x, command: [cat, /d/file], volumeMounts: [{name: d, mountPath: /d}]}\n");
  EXPECT_TRUE(becomes("pod p", ".status.phase", "Succeeded"));
  EXPECT_EQ(ok("logs p -c main"), "made\n");
}

TEST_F(Devcluster, ContainersMayBeNamedLikeTheFoldersOfAPod) {
  apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Never\n  containers:\n"
      "  - {name: sockets, image: x, command: [echo, one]}\n  - {name: volumes, image: x, command: [echo, two]}\n"
      "  - {name: etc, image: x, command: [cat, /etc/hostname]}\n");
  EXPECT_TRUE(becomes("pod p", ".status.phase", "Succeeded"));
  EXPECT_EQ(ok("logs p -c sockets") + ok("logs p -c volumes") + ok("logs p -c etc"), "one\ntwo\np\n");
}

TEST_F(Devcluster, AProbeThatFailsStartsTheContainerAnew) {
  apply(pod("p", "touch /tmp/well; trap \"exit 0\" TERM; while :; do sleep 0.1; done", "",
            "    livenessProbe: {exec: {command: [test, -e, /tmp/well]}, periodSeconds: 1, failureThreshold: 1, "
            "timeoutSeconds: 60}\n"));
  wait_ready("p");
  ok("exec p -- rm /tmp/well");
  EXPECT_TRUE(becomes("pod p", ".status.containerStatuses[0].restartCount", "1"));
  EXPECT_NE(ok("describe pod p").find("failed liveness probe, will be restarted"), std::string::npos);
}

TEST_F(Devcluster, AStubbornPodIsKilledAfterItsGrace) {
  apply(pod("p", "trap \"\" TERM; echo started; while :; do sleep 0.1; done"));
  wait_ready("p");
  const auto inside = ok("exec p -- cat /proc/sys/kernel/random/boot_id");
  ok("delete pod p --grace-period=1 --timeout=20s");
  EXPECT_FALSE(fs::exists(folder + "/pods") && !fs::is_empty(folder + "/pods"));
}

TEST_F(Devcluster, KilledItTakesItsPodsUpAgain) {
  apply(pod("p", "echo $$ started; trap \"exit 0\" TERM; while :; do sleep 0.1; done"));
  wait_ready("p");
  const auto id = field("pod p", ".status.containerStatuses[0].containerID"),
             began = field("pod p", ".status.containerStatuses[0].state.running.startedAt");
  ok("create configmap before --from-literal=a=b");
  const auto version = field("configmap before", ".metadata.resourceVersion");
  for (int i = 0; i < 3; ++i) {
    stop(SIGKILL);
    start();
    EXPECT_EQ(field("pod p", ".status.containerStatuses[0].containerID"), id);
    EXPECT_EQ(field("pod p", ".status.containerStatuses[0].state.running.startedAt"), began);
    EXPECT_EQ(field("pod p", ".status.containerStatuses[0].restartCount"), "0");
    EXPECT_EQ(ok("exec p -- echo alive"), "alive\n");
  }
  EXPECT_EQ(field("configmap before", ".metadata.resourceVersion"), version);
  ok("create configmap after --from-literal=a=b");
  EXPECT_GT(std::stoull(field("configmap after", ".metadata.resourceVersion")), std::stoull(version));
  ok("delete pod p --timeout=20s");
}

TEST_F(Devcluster, KilledWhileWritingItKeepsWhatItAnswered) {
  const std::string acknowledged = folder + "/acknowledged", script = folder + "/write.sh";
  std::ofstream(script)
      << "server=$(awk '/server:/ {print $2}' $1/kubeconfig); token=$(cat $1/pki/token); i=0\n"
         "while :; do i=$((i+1)); name=w$2-$i\n"
         "curl -skf -o /dev/null -H \"Authorization: Bearer $token\" -H 'Content-Type: application/json' "
         "$server/api/v1/namespaces/default/configmaps"
         " -d \"{\\\"metadata\\\":{\\\"name\\\":\\\"$name\\\"}}\" && echo $name >> $1/acknowledged || exit 0; done\n";
  std::size_t before = 0;
  for (int round = 0; round < 5; ++round) {
    std::thread writer([&] { shell("sh " + script + " " + folder + " " + std::to_string(round)); });
    const auto lines = [&] {
      return std::count(std::istreambuf_iterator<char>(std::ifstream(acknowledged).rdbuf()), {}, '\n');
    };
    EXPECT_TRUE(eventually(
        [&] { return static_cast<std::size_t>(lines()) >= before + 10 + static_cast<std::size_t>(round) * 7; }));
    stop(SIGKILL);
    writer.join();
    start();
    const auto stored = ok("get configmaps -o name");
    std::istringstream names(read(acknowledged));
    before = 0;
    for (std::string name; std::getline(names, name); ++before)
      EXPECT_NE(stored.find("configmap/" + name + "\n"), std::string::npos) << name;
  }
}

TEST_F(Devcluster, WhatEndedWhileItWasDeadIsNoticed) {
  apply(pod("p", "while ! test -e /tmp/go; do sleep 0.05; done; exit 4", "  restartPolicy: Never\n"));
  wait_ready("p");
  const auto target = shell("ps -eo pid,args | grep '[s]leep 0.05' | head -1").text;
  EXPECT_FALSE(target.empty());
  ok("exec p -- sh -c '(sleep 0.5; touch /tmp/go) >/dev/null 2>&1 &'");
  stop(SIGKILL);
  EXPECT_TRUE(
      eventually([&] { return shell("grep -l exit-code " + folder + "/pods/*/containers/main/0.status").code == 0; }));
  start();
  EXPECT_TRUE(becomes("pod p", ".status.phase", "Failed"));
  EXPECT_EQ(field("pod p", ".status.containerStatuses[0].state.terminated.exitCode"), "4");
}

TEST_F(Devcluster, AnOrderlyStopEndsPodsAndTheNextStartBringsThemBack) {
  apply(pod("p", "trap \"exit 0\" TERM; echo run; while :; do sleep 0.1; done"));
  wait_ready("p");
  EXPECT_EQ(stop(SIGTERM), 0);
  EXPECT_EQ(shell("grep -c exit-code " + folder + "/pods/*/containers/main/0.status").text, "1\n");
  start();
  wait_ready("p");
  EXPECT_EQ(field("pod p", ".status.containerStatuses[0].restartCount"), "1");
}

TEST_F(Devcluster, AskedToKeepPodsItLetsThemGoOn) {
  stop(SIGTERM);
  start("--keep-pods");
  apply(pod("p", "trap \"exit 0\" TERM; while :; do sleep 0.1; done"));
  wait_ready("p");
  EXPECT_EQ(stop(SIGTERM), 0);
  start();
  EXPECT_EQ(ok("exec p -- echo alive"), "alive\n");
  EXPECT_EQ(field("pod p", ".status.containerStatuses[0].restartCount"), "0");
}

TEST_F(Devcluster, APodSeesNothingOfTheMachine) {
  apply(pod("p", "sleep 1000"));
  wait_ready("p");
  EXPECT_EQ(ok("exec p -- sh -c 'cat /etc/shadow 2>/dev/null; ls /root /proc/1/root/root 2>/dev/null; ls -d /sys /boot "
               "2>/dev/null; true'"),
            "");
  EXPECT_NE(kubectl("exec p -- sh -c 'echo x > /usr/bin/x'").code, 0);
  EXPECT_EQ(ok("exec p -- sh -c 'ls /sys/class/net 2>/dev/null; cat /proc/net/dev | grep -c :'"),
            "1\n");  // loopback only
  EXPECT_EQ(ok("exec p -- sh -c 'grep CapEff /proc/self/status'"), "CapEff:\t0000000000000000\n");
}

TEST_F(Devcluster, ALinkInThePlaceOfASocketLeadsNowhere) {
  const std::string secret = folder + "/secret.sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  secret.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  apply(pod("p", "ln -s " + secret + " /run/atrium/6001.sock; echo linked; sleep 1000"));
  wait_ready("p");
  EXPECT_TRUE(eventually([&] { return kubectl("logs p").text == "linked\n"; }));
  EXPECT_NE(shell("curl -s -m 3 http://" + field("pod p", ".status.podIP") + ":6001/").code, 0);
  EXPECT_LT(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC), 0) << "the relay followed a link out of the pod";
  ::close(fd);
}

TEST_F(Devcluster, AHomeThatIsALinkIsRefused) {
  fs::create_directories(folder + "/projects");
  fs::create_directory_symlink("/etc", folder + "/projects/evil");
  apply("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, hostPath: {path: " + folder +
        "/projects/evil}}], containers: [{name: main, image: x, command: [sleep, '9'], volumeMounts: [{name: v, "
        "mountPath: /v}]}]}\n");
  EXPECT_TRUE(becomes("pod p", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError"));
  EXPECT_NE(field("pod p", ".status.containerStatuses[0].state.waiting.message").find("symbolic link"),
            std::string::npos);
}

TEST_F(Devcluster, APodCannotLayALinkWhereItsConfigMapIsWrittenAnew) {
  std::ofstream(folder + "/victim") << "untouched";
  ok("create configmap c --from-literal=key=value");
  apply(pod("p", "ln -sf " + folder + "/victim /c/key || echo refused; sleep 1000",
            "  volumes: [{name: c, configMap: {name: c}}, {name: s, emptyDir: {}}]\n",
            "    volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]\n"));
  wait_ready("p");
  EXPECT_TRUE(eventually([&] { return kubectl("logs p").text.ends_with("refused\n"); })) << kubectl("logs p").text;
  ok("exec p -- sh -c 'cat /c/key && touch /s/file'");
  EXPECT_EQ(read(folder + "/victim"), "untouched");
  EXPECT_EQ(shell("stat -c %a " + folder + "/pods").text, "700\n") << "Secrets are below";
}

TEST_F(Devcluster, WhatAPodLeftBehindEndsNothingElse) {
  stop(SIGKILL);
  const std::string held = folder + "/held";
  const pid_t bystander = ::fork();
  if (bystander == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::ofstream file(held);
    file << "open" << std::flush;
    while (true) ::pause();
  }
  ASSERT_TRUE(eventually([&] { return read(held) == "open"; }));
  // As if by a status file and a record of ours: in the folder that the pod may write to.
  const std::string left = folder + "/pods/11111111-1111-4111-8111-111111111111";
  fs::create_directories(left + "/sockets");
  fs::create_symlink(held, left + "/sockets/0.status");
  const std::string id = R"({"pid":)" + std::to_string(bystander) + R"(,"start":)" +
                         shell("awk '{printf \"%s\", $22}' /proc/" + std::to_string(bystander) + "/stat").text + "}";
  std::ofstream(left + "/sockets/run.json")
      << R"({"process":{"outer":)" << id << R"(,"init":)" << id << R"(,"main":)" << id << "}}";
  start();
  EXPECT_TRUE(eventually([&] { return !fs::exists(left); }));
  EXPECT_EQ(::waitpid(bystander, nullptr, WNOHANG), 0) << "a pod had devcluster end a process of the machine";
  ::kill(bystander, SIGKILL);
  ::waitpid(bystander, nullptr, 0);
}

TEST_F(Devcluster, WithoutTheTokenNothingIsSaid) {
  const std::string server = shell("grep server: " + folder + "/kubeconfig | awk '{print $2}'").text;
  const std::string url = server.substr(0, server.size() - 1) + "/api/v1/secrets";
  EXPECT_EQ(shell("curl -sk -o /dev/null -w '%{http_code}' " + url).text, "401");
  EXPECT_EQ(shell("curl -sk -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer wrong' " + url).text, "401");
  EXPECT_EQ(shell("stat -c %a " + folder + "/kubeconfig " + folder + "/pki/token").text, "600\n600\n");
}

TEST_F(Devcluster, LogsAreFollowedToTheEnd) {
  apply(pod("p", "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done", "  restartPolicy: Never\n"));
  EXPECT_TRUE(eventually([&] { return kubectl("logs p").code == 0; }));
  EXPECT_EQ(kubectl("logs -f p").text, "line 1\nline 2\nline 3\nline 4\nline 5\n");
  EXPECT_EQ(ok("logs p --tail=2"), "line 4\nline 5\n");
  EXPECT_EQ(ok("logs p --limit-bytes=4"), "line");
}

}  // namespace atrium::tests
