#include "apps/up/postgres.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "atrium/base/log.hpp"
#include "atrium/pg/connection.hpp"

namespace atrium::up {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// The folder of the newest installed server.
std::string find_programs() {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    if (fs::exists(entry.path() / "bin/initdb", ignored)) found.push_back(entry.path() / "bin");
  if (found.empty())
    fail(disposition::not_found, "PostgreSQL's server is not installed. Install the Debian package 'postgresql'.");
  return std::max_element(found.begin(), found.end())->string();
}

}  // namespace

postgres_server::postgres_server(std::string data, std::string run, std::string log_file)
    : data_(std::move(data)), run_(std::move(run)), log_file_(std::move(log_file)), programs_(find_programs()) {}

std::vector<std::string> postgres_server::command(std::vector<std::string> argv) const {
  argv[0] = programs_ + "/" + argv[0];
  if (::geteuid() != 0) return argv;
  const auto* user = ::getpwnam("postgres");
  if (!user) fail(disposition::not_found, "There is no user 'postgres'. Install the Debian package 'postgresql'.");
  std::vector<std::string> out{"unshare", "--user", "--map-user=" + std::to_string(user->pw_uid),
                               "--map-group=" + std::to_string(user->pw_gid)};
  out.insert(out.end(), argv.begin(), argv.end());
  return out;
}

rt::task<void> postgres_server::prepare() {
  if (!fs::exists(data_ + "/PG_VERSION")) {
    const auto made = co_await rt::run_command({.argv = command({"initdb", "-D", data_, "-U", "atrium", "-A", "trust",
                                                                 "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"})});
    if (made.status.code != 0)
      throw failure(error(disposition::failed, "The database folder " + data_ + " cannot be made.")
                        .with_peer_text(made.standard_error));
  } else if (fs::exists(data_ + "/postmaster.pid")) {
    // Left by a killed `up`: pg_ctl knows whether that process is really the server of this folder.
    co_await rt::run_command({.argv = command({"pg_ctl", "stop", "-D", data_, "-m", "fast", "-t", "20"})});
  }
}

child_spec postgres_server::spec() const {
  const std::vector<std::pair<std::string, std::string>> settings{{"listen_addresses", ""},
                                                                  {"unix_socket_directories", run_},
                                                                  {"unix_socket_permissions", "0700"},
                                                                  {"wal_level", "logical"},
                                                                  {"max_wal_senders", "20"},
                                                                  {"max_replication_slots", "20"},
                                                                  {"max_slot_wal_keep_size", "1GB"},
                                                                  {"timezone", "UTC"},
                                                                  {"log_timezone", "UTC"},
                                                                  {"shared_buffers", "64MB"},
                                                                  {"max_connections", "200"},
                                                                  {"jit", "off"}};
  std::vector<std::string> argv{"postgres", "-D", data_};
  for (const auto& [name, value] : settings) {
    argv.push_back("-c");
    argv.push_back(name + "=" + value);
  }
  const auto administration = "host=" + run_ + " user=atrium dbname=postgres";
  return {.name = "postgres",
          .argv = command(std::move(argv)),
          .environment = {},
          .log_file = log_file_,
          .pid_file = run_ + "/postgres.pid",
          .stop_signal = SIGINT,  // fast shutdown
          .is_ready = [administration]() -> rt::task<bool> {
            try {
              co_await pg::connection::connect(administration);
              co_return true;
            } catch (const failure& f) {
              if (f.disposition() == disposition::cancelled) throw;
            }
            co_return false;
          }};
}

std::string postgres_server::conninfo() const { return "host=" + run_ + " user=atrium dbname=atrium"; }

rt::task<void> postgres_server::create_database() {
  auto session = co_await pg::connection::connect("host=" + run_ + " user=atrium dbname=postgres");
  const auto found = co_await session->query("SELECT 1 FROM pg_database WHERE datname = 'atrium'");
  if (found.empty()) co_await session->script("CREATE DATABASE atrium");
}

}  // namespace atrium::up
