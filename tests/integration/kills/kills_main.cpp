// Storms of SIGKILL and SIGSTOP over everything that `atrium up` runs, while people start, stop and edit projects.
// After each storm everything must be whole within seconds; in the end nothing acknowledged may be lost and nothing
// done twice.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>

#include "apps/service/shell.hpp"
#include "apps/store/settings.hpp"
#include "atrium/base/log.hpp"
#include "tests/integration/kills/healing.hpp"
#include "tests/integration/kills/killer.hpp"
#include "tests/integration/kills/oracle.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto promised_within = 10s;

/// Room for more small projects than the defaults give a small machine.
rt::task<void> make_room(world& w) {
  pg::pool pool({.conninfo = "host=" + w.system.state() + "/s/run user=atrium dbname=atrium"});
  co_await store::server_settings(pool).set("default_quotas", R"({"cpu": 1, "cpu_oc": 50, "mem": 1000, "mem_oc": 10})");
}

rt::task<void> populate(world& w) {
  const auto& p = w.the_plan;
  for (unsigned n = 0; n < p.people; ++n) {
    w.people.push_back(std::make_unique<person>(w.system));
    const auto name = "person" + std::to_string(n);
    co_await w.people.back()->sign_up(name + "@example.org", name);
  }
  for (unsigned n = 0; n < p.projects; ++n) {
    const std::size_t owner = n % p.people;
    const auto made = co_await w.people[owner]->api("projects/create", {{"title", "Project " + std::to_string(n)}});
    w.projects.push_back({std::string(made.at("project_id").as_string()), owner, n < p.documents});
  }
}

/// A document in each edited project, which its owner and another person have.
rt::task<void> share_documents(world& w) {
  for (unsigned n = 0; n < w.the_plan.documents; ++n) {
    auto& p = w.projects[n];
    auto& who = *w.people[p.owner];
    co_await who.api("projects/collaborators/add",
                     {{"project_id", p.id}, {"account_id", w.people[(p.owner + 1) % w.people.size()]->account_id()}});
    const auto started = co_await who.api("projects/start", {{"project_id", p.id}});
    if (started.as_object().contains("error")) fail(disposition::failed, "start: " + json::serialize(started));
    co_await who.shell(p.id, std::string("echo start > ") + editor::path);
    p.wanted = true;
  }
}

void say(const std::string& what) {
  std::printf("%s %s\n", domain::to_iso8601(domain::now()).c_str(), what.c_str());
  std::fflush(stdout);
}

/// Whatever the limit of this run is, the output explains each storm that took longer than the promise.
rt::task<void> heal(world& w, oracle& judge, unsigned storm) {
  const auto began = rt::clock::now();
  const auto which = "storm " + std::to_string(storm);
  healing progress;
  bool told = false, late = false;
  for (;;) {
    const auto missing = co_await judge.missing(began);
    const auto took = rt::clock::now() - began;
    progress.note(took, missing);
    if (missing.empty()) co_return say(which + ": whole after " + seconds_text(took) + progress.report());
    if (!told && took > promised_within) {
      told = true;
      say("not whole " + seconds_text(took) + " after " + which + ":" + list_of(missing) +
          "\nwhat this process waits for:\n" + service::task_tree(rt::loop::current()));
    }
    const bool over = took > 60s;
    if ((!late && took > w.the_plan.whole_within) || over) {
      late = true;
      w.found.violation("not whole " + seconds_text(took) + " after " + which + ":" + list_of(missing));
    }
    if (over) fail(disposition::failed, "The system does not become whole.");
    co_await rt::sleep_for(100ms);
  }
}

rt::task<void> blow(world& w, oracle& judge) {
  const auto& p = w.the_plan;
  killer the_killer(w);
  co_await heal(w, judge, 0);
  unsigned done = 0;
  for (unsigned storm = 1; storm <= p.storms; ++storm) {
    w.quiet = false;
    const unsigned now = p.kills * storm / p.storms - done;
    say("storm " + std::to_string(storm) + ": " + co_await the_killer.storm(now));
    done += now;
    w.quiet = true;
    co_await heal(w, judge, storm);
  }
}

/// One that ends takes all others with it, and that is an error of this program or something that nobody thought of.
rt::task<void> acting(world& w, const char* who, rt::task<void> body) {
  try {
    co_await std::move(body);
  } catch (const std::exception& e) {
    const auto* f = dynamic_cast<const failure*>(&e);
    if (!f || f->disposition() != disposition::cancelled) w.found.violation(std::string(who) + " ended: " + e.what());
    throw;
  }
}

rt::task<void> attack(world& w) {
  co_await w.system.start();
  co_await make_room(w);
  co_await populate(w);
  co_await share_documents(w);
  actors a;
  for (std::size_t n = 0; n < w.people.size(); ++n) a.owners.push_back(std::make_unique<owner>(w, n, n % 4 == 3));
  for (std::size_t n = 0; n < w.the_plan.documents; ++n)
    for (const char* which : {"a", "b"})
      a.editors.push_back(std::make_unique<editor>(w, n, (w.projects[n].owner + (*which == 'b')) % w.people.size(),
                                                   "doc" + std::to_string(n) + which));
  for (std::size_t n = 0; n < std::min(w.the_plan.terminals, w.the_plan.documents); ++n)
    a.typists.push_back(std::make_unique<typist>(w, n, "typist" + std::to_string(n)));
  oracle judge(w, a);
  co_await judge.prepare();
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    for (auto& o : a.owners) s.spawn(acting(w, "owner", o->run()), "owner");
    for (auto& e : a.editors) s.spawn(acting(w, "editor", e->run()), "editor");
    for (auto& t : a.typists) s.spawn(acting(w, "typist", t->run()), "typist");
    s.spawn(acting(w, "oracle", judge.watch()), "oracle");
    co_await blow(w, judge);
    co_await judge.judge();
    s.cancel(rt::cancel_reason::requested);
  });
  co_await w.system.stop();
}

void keep_logs(const std::string& from, const std::filesystem::path& to) {
  std::error_code bad;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(from, bad)) {
    if (entry.path().extension() != ".log" || !entry.is_regular_file(bad)) continue;
    const auto copy = to / entry.path().lexically_relative(from);
    std::filesystem::create_directories(copy.parent_path(), bad);
    std::filesystem::copy_file(entry.path(), copy, bad);
  }
}

int run(int argc, char** argv) {
  plan p;
  std::int64_t seed = 0;
  settings s("kills", "kills and stops what `atrium up` runs while people work");
  s.add("seed", "N", "of all choices; 0: another one each time", seed);
  s.add("projects", "N", "projects that exist", p.projects);
  s.add("running", "N", "of them at most so many at once", p.running);
  s.add("people", "N", "owners of projects", p.people);
  s.add("documents", "N", "edited by two people each", p.documents);
  s.add("terminals", "N", "in projects with documents", p.terminals);
  s.add("kills", "N", "signals in all", p.kills);
  s.add("storms", "N", "series of signals; after each one everything must be whole", p.storms);
  s.add("whole-within", "TIME", "after each storm", p.whole_within);
  s.add("logs", "DIR", "all logs are copied there when a promise was broken", p.logs);
  if (const auto code = s.parse(argc, argv)) return *code;
  p.seed = seed ? static_cast<std::uint64_t>(seed) : std::random_device{}();
  ::signal(SIGPIPE, SIG_IGN);
  log::configure("kills", log::level::error);
  std::string replay = std::string(argv[0]) + " --seed " + std::to_string(p.seed);
  for (int n = 1; n < argc; ++n)
    if (std::string_view(argv[n]) == "--seed") ++n;
    else replay += std::string(" ") + argv[n];
  std::printf("replay: %s\n", replay.c_str());
  std::fflush(stdout);
  findings found;
  running_system system;
  world w{.the_plan = p, .system = system, .found = found, .people = {}, .projects = {}};
  std::string broken;
  try {
    rt::loop loop;
    loop.run(attack(w));
  } catch (const std::exception& e) {
    broken = e.what();
  }
  found.print();
  if (!broken.empty()) std::printf("broke off: %s\n", broken.c_str());
  if (found.violations())
    std::printf("%llu promises were broken\n", static_cast<unsigned long long>(found.violations()));
  const bool good = broken.empty() && !found.violations();
  if (!good) std::printf("replay: %s\n", replay.c_str());
  if (!good && !p.logs.empty()) keep_logs(system.state(), p.logs);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace atrium::tests

int main(int argc, char** argv) { return atrium::tests::run(argc, argv); }
