// In the end: every version of every request, every pod, every line.
#include "tests/integration/kills/oracle.hpp"

#include "apps/project/collab/unicode.hpp"

namespace atrium::tests {

rt::task<void> oracle::prepare() {
  auto session = co_await pool_.acquire();
  co_await session->script(
      "CREATE TABLE kills_history (number bigserial PRIMARY KEY, project_id uuid, fence bigint, request jsonb);"
      "CREATE FUNCTION kills_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "INSERT INTO kills_history (project_id, fence, request) VALUES (NEW.project_id, NEW.action_fence, "
      "NEW.action_request); RETURN NULL; END $$;"
      "CREATE TRIGGER kills_note AFTER INSERT OR UPDATE OF action_request ON projects FOR EACH ROW EXECUTE FUNCTION "
      "kills_note();");
}

rt::task<void> oracle::judge() {
  const auto rows = co_await pool_.query(
      "SELECT project_id, fence, coalesce(request->>'action', '') AS action, coalesce(request->>'time', '') AS time, "
      "coalesce(request->>'started', '') AS started, coalesce(request->>'finished', '') AS finished, "
      "coalesce(request->>'err', '') AS err FROM kills_history ORDER BY project_id, number");
  std::map<std::string, std::vector<version>> histories;
  for (const auto row : rows)
    histories[row.get<std::string>("project_id")].push_back({.action = row.get<std::string>("action"),
                                                             .time = row.get<std::string>("time"),
                                                             .started = row.get<std::string>("started"),
                                                             .finished = row.get<std::string>("finished"),
                                                             .err = row.get<std::string>("err"),
                                                             .fence = row.get<std::int64_t>("fence")});
  for (const auto& [project, all] : histories) {
    version before;
    for (const auto& now : all) {
      judge_step(project, before, now);
      before = now;
    }
    if (!before.action.empty() && before.finished.empty())
      world_.found.violation("the last request of project " + project + " has no final state");
    judge_pods(project, all);
  }
  for (const auto& e : actors_.editors) {
    const auto text = project::utf16_to_utf8(e->text());
    for (const auto& line : e->lines()) {
      const auto at = text.find(line);
      if (at == std::string::npos) world_.found.violation("a typed line is lost: " + line);
      else if (text.find(line, at + 1) != std::string::npos) world_.found.violation("a line is there twice: " + line);
    }
  }
  for (const auto& t : actors_.typists) t->check();
}

/// One request: started once, finished once, then nothing changes; or overtaken by the next.
void oracle::judge_step(const std::string& project, const version& before, const version& now) {
  const auto broken = [&](const std::string& what) {
    world_.found.violation("request '" + now.action + "' of " + now.time + " for " + project + " " + what);
  };
  if (now.action != before.action || now.time != before.time) {
    if (!now.started.empty() || !now.finished.empty()) broken("was begun before it was written");
    world_.found.count("requests written: " + now.action);
    if (!before.action.empty() && before.finished.empty()) world_.found.count("final states: overtaken");
    return;
  }
  if (!before.started.empty() && now.started != before.started) broken("was started twice");
  if (!before.finished.empty() && (now.finished != before.finished || now.err != before.err)) broken("ended twice");
  if (before.finished.empty() && !now.finished.empty())
    world_.found.count(now.err.empty() ? "final states: done" : "final states: failed: " + now.err);
}

/// One request makes one pod at most, however many workers died over it.
void oracle::judge_pods(const std::string& project, const std::vector<version>& all) {
  std::vector<std::int64_t> begun;  // the fence of each request
  std::string last;
  for (const auto& v : all)
    if (!v.action.empty() && v.action + v.time != last) begun.push_back(v.fence), last = v.action + v.time;
  std::map<std::int64_t, unsigned> pods;
  for (const auto& [uid, fence] : made_[project]) {
    world_.found.count("pods made");
    const auto next = std::upper_bound(begun.begin(), begun.end(), fence);
    if (next != begun.begin() && ++pods[*std::prev(next)] == 2)
      world_.found.violation("one request for " + project + " made two pods (fence " + std::to_string(fence) + ")");
  }
}

}  // namespace atrium::tests
