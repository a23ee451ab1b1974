#include "apps/up/up.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "apps/domain/content.hpp"
#include "apps/up/config_maps.hpp"
#include "apps/up/plan.hpp"
#include "apps/up/postgres.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/settings.hpp"

namespace atrium::up {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string default_state() {
  if (::geteuid() == 0)
    return "/var/lib/atrium";  // project processes run as uid 2001, which cannot look into root's home
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::string(data) + "/atrium";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.local/share/atrium";
}

/// The state folder of this `up` alone: made, and locked until the process ends.
class state_folder {
 public:
  explicit state_folder(const std::string& path) {
    fs::create_directories(path);
    for (const char* part : {"run", "logs", "projects", "devcluster", "config"})
      fs::create_directories(path + "/" + part);
    fs::permissions(path + "/run", fs::perms::owner_all);
    lock_ = rt::unique_fd(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_ || ::flock(lock_.get(), LOCK_EX | LOCK_NB) < 0)
      fail(disposition::conflict,
           "Another 'atrium up' uses the folder " + path + ". Stop it or choose another with --state.");
  }

 private:
  rt::unique_fd lock_;
};

rt::task<void> migrate(const layout& l) {
  const auto done = co_await rt::run_command({.argv = {l.program, "migrate", "--database", l.database}});
  if (done.status.code != 0)
    throw failure(error(disposition::failed, "The database could not be brought up to date.")
                      .with_peer_text(done.standard_error));
}

/// Everything that runs, in start order.
class machine {
 public:
  explicit machine(layout l)
      : layout_(std::move(l)), postgres_(layout_.state + "/postgres", layout_.run(), layout_.log("postgres")) {
    layout_.database = postgres_.conninfo();
  }

  rt::task<void> run(rt::signal_set& signals) {
    auto until_signal = [](machine& m, rt::signal_set& s) -> rt::task<void> {
      co_await s.next();
      log::info("stopping");
      m.stopping_.set();
    };
    rt::scope signal_scope(&co_await rt::this_task());
    signal_scope.spawn(until_signal(*this, signals), "signals");
    std::exception_ptr failed;
    rt::scope children(&co_await rt::this_task());
    try {
      co_await start_or_stop(children);
      co_await stopping_.wait();
    } catch (...) {
      failed = std::current_exception();
    }
    signal_scope.cancel(rt::cancel_reason::requested);
    co_await stop_all();
    co_await children.join();
    try {
      co_await signal_scope.join();
    } catch (const failure&) {
    }
    if (failed) std::rethrow_exception(failed);
  }

 private:
  child& add(child_spec spec, rt::scope& s) {
    children_.push_back(std::make_unique<child>(std::move(spec)));
    s.spawn(children_.back()->keep_running(), "child");
    return *children_.back();
  }

  /// start(), given up when a signal comes first.
  rt::task<void> start_or_stop(rt::scope& children) {
    auto starting = [](machine& m, rt::scope& c, rt::event& finished) -> rt::task<void> {
      co_await m.start(c);
      finished.set();
    };
    auto interrupt = [](machine& m, rt::scope& s) -> rt::task<void> {
      co_await m.stopping_.wait();
      s.cancel(rt::cancel_reason::shutdown);
    };
    rt::event finished;
    rt::scope s(&co_await rt::this_task());
    rt::scope watcher(&co_await rt::this_task());
    s.spawn(starting(*this, children, finished), "start");
    watcher.spawn(interrupt(*this, s), "interrupt");
    std::exception_ptr failed;
    try {
      co_await s.join();
    } catch (...) {
      failed = std::current_exception();
    }
    watcher.cancel(rt::cancel_reason::requested);
    co_await watcher.join();
    if (failed) std::rethrow_exception(failed);
    if (finished.is_set()) announce();
  }

  rt::task<void> start(rt::scope& children) {
    door_.emplace(rt::listener::bind(rt::endpoint::parse(layout_.listen)));
    child* cluster = layout_.cluster.empty() ? &add(devcluster(layout_), children) : nullptr;
    co_await postgres_.prepare();
    co_await add(postgres_.spec(), children).wait_ready();
    co_await postgres_.create_database();
    co_await migrate(layout_);
    if (cluster) {  // another's cluster has its own ConfigMaps
      co_await cluster->wait_ready();
      co_await write_config_maps(layout_);
    }
    std::vector<child*> started;
    for (auto& spec : services(layout_, door_->fd())) started.push_back(&add(std::move(spec), children));
    for (auto* c : started) co_await c->wait_ready();
  }

  void announce() const {
    std::printf("ready http://%s/\n", layout_.listen.c_str());
    std::fflush(stdout);
  }

  /// Services together, then the cluster (which stops its pods), then the database.
  rt::task<void> stop_all() {
    door_.reset();  // nobody would answer who comes now
    co_await stop_those([](const std::string& name) { return name != "postgres" && name != "devcluster"; });
    co_await stop_those([](const std::string& name) { return name == "devcluster"; });
    co_await stop_those([](const std::string& name) { return name == "postgres"; });
  }

  rt::task<void> stop_those(bool (*wanted)(const std::string&)) {
    rt::scope s(&co_await rt::this_task());
    for (auto& c : children_)
      if (wanted(c->name())) s.spawn(c->stop(15s), "stop");
    co_await s.join();
  }

  layout layout_;
  postgres_server postgres_;
  std::optional<rt::listener> door_;  ///< where the edge listens
  std::vector<std::unique_ptr<child>> children_;
  rt::event stopping_;
};

std::string folder_of_this_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

}  // namespace

int run_up(int argc, char** argv) {
  layout l{.program = folder_of_this_program() + "/atrium",
           .state = default_state(),
           .listen = "127.0.0.1:8080",
           .web = "web/dist",
           .database = {},
           .content_host = "localhost",
           .cluster = {}};
  std::string level = "info";
  settings s("up", "runs the whole system on this machine");
  s.add("state", "DIR", "folder for everything that is kept", l.state);
  s.add("listen", "HOST:PORT", "address to open in the browser", l.listen);
  s.add("web", "DIR", "the built browser application", l.web);
  s.add("content-host", "HOST", "ports and pages of projects are shown below this host name", l.content_host)
      .check(domain::check_content_host);
  s.add("kubeconfig", "FILE", "run projects on this Kubernetes instead of on this machine", l.cluster);
  s.add("namespace", "NAME", "where that Kubernetes has ConfigMaps and pods of projects", l.name_space);
  s.add("log-level", "LEVEL", "least level that is logged", level).one_of({"debug", "info", "warn", "error"});
  if (const auto code = s.parse(argc, argv)) return *code;
  log::configure("up", log::level_of(level));
  try {
    l.state = fs::absolute(l.state).lexically_normal().string();
    l.web = fs::absolute(l.web).lexically_normal().string();
    if (!l.cluster.empty()) l.cluster = fs::absolute(l.cluster).lexically_normal().string();
    rt::signal_set signals{SIGINT, SIGTERM, SIGHUP};
    rt::loop loop;
    const state_folder folder(l.state);
    machine m(std::move(l));
    loop.run(m.run(signals), "up");
  } catch (const failure& f) {
    log::error("cannot run", {{"error", f.error()}});
    std::fprintf(stderr, "atrium up: %s\n", f.error().public_text().c_str());
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "atrium up: %s\n", e.what());
    return 1;
  }
  return 0;
}

}  // namespace atrium::up
