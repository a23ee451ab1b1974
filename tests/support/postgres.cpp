#include "tests/support/postgres.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/patience.hpp"

namespace atrium::tests {
namespace {

namespace fs = std::filesystem;

// $1 folder, $2 folder of the programs, then the command prefix that changes the user, if any. Reads its standard input
// to the end: that comes when the test program ends. A line "stop" or "start" asks for just that.
constexpr const char* watcher_script = R"(
folder=$1; programs=$2; shift 2
if ! "$@" "$programs/initdb" -D "$folder/data" --no-sync -A trust -E UTF8 --no-locale -U atrium --wal-segsize=1 >"$folder/initdb.log" 2>&1; then
  touch "$folder/failed"; read -r ignored; rm -rf "$folder"; exit 1
fi
start() {
  rm -f "$folder/data/postmaster.pid"
  "$@" "$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \
    -c full_page_writes=off -c wal_level=logical -c max_wal_senders=20 -c max_replication_slots=20 -c max_connections=100 \
    -c shared_buffers=32MB -c timezone=UTC -c log_timezone=UTC -c max_wal_size=256MB -c min_wal_size=2MB \
    -c wal_sender_timeout=20s -c autovacuum=off -c max_parallel_workers=0 </dev/null >>"$folder/log" 2>&1 &
  server=$!
}
stop() { kill -QUIT "$server" 2>/dev/null; wait "$server"; }
start "$@"
while read -r request; do
  case $request in
    stop) stop; touch "$folder/stopped" ;;
    start) rm -f "$folder/stopped"; start "$@" ;;
  esac
done
stop
rm -rf "$folder"
)";

std::string newest_programs() {
  std::string best;
  int best_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version > best_version && fs::exists(entry.path() / "bin/initdb")) {
      best_version = version;
      best = entry.path() / "bin";
    }
  }
  if (best.empty())
    throw std::runtime_error("no PostgreSQL server below /usr/lib/postgresql: install the package postgresql");
  return best;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Waits until `done()`; throws with the server's log when it takes too long.
template <class Condition>
void wait_until(Condition done, const std::string& folder, const char* what) {
  const auto end = std::chrono::steady_clock::now() + patience(std::chrono::seconds(30));
  while (!done()) {
    if (fs::exists(folder + "/failed") || std::chrono::steady_clock::now() > end)
      throw std::runtime_error(std::string("PostgreSQL ") + what + ":\n" + slurp(folder + "/initdb.log") +
                               slurp(folder + "/log"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

int run(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

postgres_server& postgres_server::shared() {
  static postgres_server server;
  return server;
}

postgres_server::postgres_server() : programs_(newest_programs()) {
  folder_ = (fs::temp_directory_path() / "atrium-pg-XXXXXX").string();
  if (!mkdtemp(folder_.data())) throw std::runtime_error("no temporary folder for PostgreSQL");

  std::vector<std::string> command = {"/bin/sh", "-c", watcher_script, "postgres-watcher", folder_, programs_};
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    if (!user) user = getpwnam("nobody");
    if (!user || chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("PostgreSQL does not run as root and there is no user postgres or nobody");
    for (const std::string& word : {std::string("setpriv"), "--reuid=" + std::to_string(user->pw_uid),
                                    "--regid=" + std::to_string(user->pw_gid), std::string("--clear-groups")})
      command.push_back(word);
  } else {
    command.push_back("env");
  }
  chmod(folder_.c_str(), 0755);

  std::vector<char*> argv;
  for (auto& a : command) argv.push_back(a.data());
  argv.push_back(nullptr);
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for PostgreSQL's watcher");
  watcher_ = fork();
  if (watcher_ == 0) {
    setsid();
    const int null = open("/dev/null", O_RDWR);
    dup2(pipe_ends[0], 0);
    dup2(null, 1);
    dup2(null, 2);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv("/bin/sh", argv.data());
    _exit(127);
  }
  ::close(pipe_ends[0]);
  lifeline_ = pipe_ends[1];
  wait_until([&] { return slurp(folder_ + "/data/postmaster.pid").find("ready") != std::string::npos; }, folder_,
             "did not start");
}

postgres_server::~postgres_server() {
  ::close(lifeline_);
  while (waitpid(watcher_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void postgres_server::stop() {
  if (write(lifeline_, "stop\n", 5) != 5) throw std::runtime_error("PostgreSQL's watcher is gone");
  wait_until([&] { return fs::exists(folder_ + "/stopped"); }, folder_, "did not stop");
}

void postgres_server::start() {
  if (write(lifeline_, "start\n", 6) != 6) throw std::runtime_error("PostgreSQL's watcher is gone");
  wait_until(
      [&] {
        return !fs::exists(folder_ + "/stopped") &&
               slurp(folder_ + "/data/postmaster.pid").find("ready") != std::string::npos;
      },
      folder_, "did not start");
}

std::string postgres_server::conninfo(const std::string& database) const {
  return "host=" + folder_ + " user=atrium dbname=" + database;
}

std::string postgres_server::create_database() {
  const std::string name = "test" + std::to_string(++databases_);
  if (run({programs_ + "/psql", "-X", "-q", "-h", folder_, "-U", "atrium", "-d", "postgres", "-c",
           "create database " + name}) != 0)
    throw std::runtime_error("create database failed:\n" + slurp(folder_ + "/log"));
  return conninfo(name);
}

}  // namespace atrium::tests
