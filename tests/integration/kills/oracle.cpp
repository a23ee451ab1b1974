// While it lasts: pods, processes, and what is not whole yet.
#include "tests/integration/kills/oracle.hpp"

#include <csignal>
#include <fstream>
#include <set>

#include "apps/project/collab/unicode.hpp"
#include "atrium/k8s/objects.hpp"
#include "tests/integration/kills/processes.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;

namespace {

std::int64_t number(const std::string& text) { return text.empty() ? 0 : std::stoll(text); }

std::string server_text(const k8s::container_status& c) {
  const std::string state = c.state.what == k8s::container_state::kind::running ? "runs" : c.state.reason;
  return state + ", started anew " + std::to_string(c.restarts) + " times";
}

}  // namespace

oracle::oracle(world& w, const actors& a)
    : world_(w),
      actors_(a),
      pool_({.conninfo = "host=" + w.system.state() + "/s/run user=atrium dbname=atrium",
             .connections = 2,
             .wait_limit = 3s,
             .statement_limit = 3s}),
      api_(k8s::config::load(w.system.state() + "/s/kubeconfig"), {.request_timeout = 5s, .user_agent = "oracle"}),
      pods_(api_, k8s::resources::pods, {.ns = "default", .label_selector = "run=project"},
            [](const json::value& object) -> std::optional<seen_pod> {
              const auto p = k8s::parse_pod(object);
              const auto label = p.meta.labels.find("project_id");
              const auto fence = p.meta.annotations.find("atrium/fence");
              return seen_pod{.project = label == p.meta.labels.end() ? "" : label->second,
                              .uid = p.meta.uid,
                              .fence = fence == p.meta.annotations.end() ? 0 : number(fence->second),
                              .ready = p.is_condition("Ready"),
                              .going = p.meta.deleted.has_value(),
                              .server = p.containers.empty() ? "" : server_text(p.containers[0])};
            }) {
  pods_.on_changed([this](const std::string&, const seen_pod*, const seen_pod& now) { note_pod(now); });
}

void oracle::note_pod(const seen_pod& p) {
  made_[p.project][p.uid] = p.fence;
  std::size_t alive = 0;
  pods_.for_each([&](const std::string&, const seen_pod& other) { alive += other.project == p.project; });
  if (alive > 1) world_.found.violation("two pods of project " + p.project);
}

rt::task<void> oracle::watch() {
  co_await rt::with_scope([this](rt::scope& s) -> rt::task<void> {
    s.spawn(pods_.run(), "watch pods");
    s.spawn(watch_processes(), "watch processes");
    co_return;
  });
}

rt::task<void> oracle::watch_processes() {
  for (;;) {
    co_await rt::sleep_for(300ms);
    world_.found.count("looks at all processes");
    for (const auto& [id, some] : project_processes(world_.system.state() + "/s/projects")) {
      std::set<std::string> sandboxes;
      for (const auto& p : some)
        if (::kill(p.pid, 0) == 0) sandboxes.insert(p.sandbox);  // still there after all were seen: at the same time
      if (sandboxes.size() > 1) world_.found.violation("two servers of project " + id + " run at once");
    }
  }
}

rt::task<std::vector<gap>> oracle::missing(rt::time_point since) {
  std::vector<gap> out;
  for (const auto& o : actors_.owners)
    if (!o->content()) out.push_back({"a request is not answered", o->wanting()});
  co_await ask_services(out);
  compare_pods(out);
  compare_documents(out);
  for (const auto& t : actors_.typists)
    if (!t->answered_since(since)) out.push_back({"a terminal does not answer", t->name() + ": " + t->trouble()});
  try {
    co_await compare_rows(out);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    out.push_back({"the database does not answer", f.error().public_text()});
  }
  co_return out;
}

rt::task<void> oracle::ask_services(std::vector<gap>& out) {
  for (const std::string name : {"edge-operations", "static", "hub-next", "hub-websocket", "hub-proxy", "manage-action",
                                 "manage-state", "devcluster"}) {
    const auto at = net::origin::parse("unix:" + world_.system.state() + "/s/run/" + name + ".sock").value();
    unsigned status = 0;
    try {
      status = (co_await rt::with_timeout(2s, world_.system.client().fetch(at, {.target = "/ready"}))).status;
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
    }
    if (status != 200) out.push_back({name + " is not ready"});
  }
}

/// Each project is in the state last asked for, without a request that waits, and its owner's page shows it so.
rt::task<void> oracle::compare_rows(std::vector<gap>& out) {
  const auto rows = co_await pool_.query(
      "SELECT project_id, coalesce(state->>'state', 'opened') AS state, coalesce(action_request->>'action', '') AS "
      "action, action_request->>'action' IS NOT NULL AND action_request->>'finished' IS NULL AS pending, "
      "coalesce(action_request->>'err', '') AS err FROM projects");
  std::map<std::string, pg::rows::row> by_id;
  for (const auto row : rows) by_id.emplace(row.get<std::string>("project_id"), row);
  for (const auto& p : world_.projects) {
    const auto at = by_id.find(p.id);
    if (at == by_id.end()) {
      out.push_back({"a project has no row", p.id});
      continue;
    }
    const auto state = at->second.get<std::string>("state");
    const std::string wanted = p.wanted ? "running" : "opened";
    if (state != wanted)
      out.push_back({"a project is not " + wanted, p.id + " is " + state + " " + at->second.get<std::string>("err")});
    if (at->second.get<bool>("pending"))
      out.push_back({"a request is pending", at->second.get<std::string>("action") + " of " + p.id});
    const auto& shown = actors_.owners[p.owner]->shown();
    const auto page = shown.find(p.id);
    if (page == shown.end()) out.push_back({"a page is not open", "of person " + std::to_string(p.owner)});
    else if (page->second != state) out.push_back({"a page shows an older state", page->second + " for " + p.id});
  }
}

void oracle::compare_pods(std::vector<gap>& out) const {
  for (const auto& p : world_.projects) {
    const auto* pod = pods_.find("default/project-" + p.id);
    if (p.wanted && (!pod || !pod->ready || pod->going))
      out.push_back({"a project has no ready pod", p.id + (pod ? ": " + pod->server : "")});
    if (!p.wanted && pod) out.push_back({"a stopped project still has a pod", p.id});
  }
}

void oracle::compare_documents(std::vector<gap>& out) const {
  std::map<std::size_t, const editor*> first;
  for (const auto& e : actors_.editors) {
    if (!e->settled()) {
      out.push_back({"an editor waits for its acknowledgement", e->name()});
      continue;
    }
    const auto other = first.try_emplace(e->project(), e.get()).first->second;
    if (other->text() != e->text()) out.push_back({"two editors show different texts", e->name()});
    std::ifstream in(world_.home(world_.projects[e->project()]) + "/" + editor::path, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    if (file != project::utf16_to_utf8(e->text())) out.push_back({"a file differs from its document", e->name()});
  }
}

}  // namespace atrium::tests
