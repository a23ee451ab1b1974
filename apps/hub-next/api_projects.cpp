// Calls about projects and the people on them.
#include <arpa/inet.h>

#include <algorithm>

#include "apps/domain/project_pod.hpp"
#include "apps/hub-next/api.hpp"
#include "apps/operations/projects.hpp"
#include "atrium/base/log.hpp"

namespace atrium::hub_next {

namespace {

operations::projects projects_of(const call& c) { return operations::projects(c.site.pool); }

rt::task<json::value> create(call& c) {
  c.require_whole_account();
  auto title = c.in.maybe_text("title").value_or("Untitled");
  const auto id = co_await projects_of(c).create(
      c.account(), {std::move(title), c.in.maybe_text("description").value_or(""), c.in.flag("start")});
  co_return json::object{{"project_id", id.view()}};
}

rt::task<json::value> get(call& c) {
  if (const auto of = c.in.maybe_account("account_id"); of && *of != c.account())
    fail(disposition::denied, "You can list your own projects only.");
  store::projects::list_options options;
  options.limit = static_cast<int>(std::clamp(c.in.maybe_number("limit").value_or(50), 1.0, 10'000.0));
  json::array out;
  for (const auto& p : co_await projects_of(c).list(c.account(), options))
    if (!c.identity().only_project || *c.identity().only_project == p.project_id)
      out.push_back({{"project_id", p.project_id.view()}, {"title", p.title}});
  co_return out;
}

rt::task<json::value> start(call& c) {
  co_await projects_of(c).start_and_wait(c.account(), c.project());
  co_return ok();
}

rt::task<json::value> stop(call& c) {
  co_await projects_of(c).stop_and_wait(c.account(), c.project());
  co_return ok();
}

rt::task<json::value> update(call& c) {
  co_await projects_of(c).update(c.account(), c.project(), c.in.maybe_text("title"), c.in.maybe_text("description"));
  co_return ok();
}

rt::task<json::value> remove(call& c) {
  co_await projects_of(c).remove(c.account(), c.project());
  co_return ok();
}

rt::task<json::value> restore(call& c) {
  co_await projects_of(c).undelete(c.account(), c.project());
  co_return ok();
}

operations::projects::whom person_of(const call& c) {
  operations::projects::whom out{c.in.maybe_account("account_id"), c.in.maybe_text("email_address").value_or("")};
  if (!out.account_id && out.email_address.empty()) fail(disposition::invalid, "Say who: account_id or email_address.");
  return out;
}

rt::task<json::value> add_collaborator(call& c) {
  co_await projects_of(c).add_collaborator(c.account(), c.project(), person_of(c));
  co_return ok();
}

rt::task<json::value> remove_collaborator(call& c) {
  co_await projects_of(c).remove_collaborator(c.account(), c.project(), person_of(c));
  co_return ok();
}

rt::task<json::value> list_collaborators(call& c) {
  json::array out;
  for (const auto& member : co_await projects_of(c).collaborators(c.account(), c.project())) {
    json::object o{{"account_id", member.person.account_id.view()},
                   {"first_name", member.person.first_name},
                   {"last_name", member.person.last_name},
                   {"group", domain::to_string(member.group)}};
    if (!member.person.email_address.empty()) o["email_address"] = member.person.email_address;
    out.push_back(std::move(o));
  }
  co_return out;
}

/// The answer of a project's server. @errors disconnected, timed_out, with a sentence that names no address of ours
rt::task<net::http_client::whole> ask_pod(net::http_client& client, const net::origin& pod, net::request head,
                                          std::string body, rt::duration limit) {
  std::optional<error> problem;
  try {
    co_return co_await rt::with_timeout(limit, client.fetch(pod, std::move(head), std::move(body)));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    problem = f.error();
  }
  log::warn("project did not answer", {{"pod", pod.authority()}, {"error", *problem}});
  if (problem->disposition() == disposition::timed_out)
    fail(disposition::timed_out, "The command took longer than its timeout allows. Give it a larger timeout.");
  fail(disposition::disconnected, "The project does not answer. Try again in a moment, or restart the project.");
}

/// Passes the call on to port 6000 of the project, in the project's own terms.
rt::task<json::value> exec(call& c) {
  const auto project = c.project();
  c.in.text("command");
  const auto access = co_await store::projects(c.site.pool).find_for_proxy(project, c.account());
  if (!access) fail(disposition::not_found, "There is no such project among yours.");
  if (access->state.state != domain::state_name::running || access->state.ip.empty())
    fail(disposition::conflict, "The project is not running. Start it first (projects/start).");
  unsigned char bytes[16];
  const bool six = inet_pton(AF_INET6, access->state.ip.c_str(), bytes) == 1;
  if (!six && inet_pton(AF_INET, access->state.ip.c_str(), bytes) != 1)
    fail(disposition::failed, "The address of the project is not known. Restart it.");

  auto parameters = c.in.all();
  parameters.erase("project_id");
  const double seconds = std::clamp(c.in.maybe_number("timeout").value_or(60), 1.0, 3600.0);
  parameters["timeout"] = seconds;
  net::request head;
  head.method = "POST";
  head.target = "/exec";
  head.headers.set("Content-Type", "application/json");
  head.headers.set("Authorization", "Bearer " + access->secret_token);
  const net::origin pod{.host = access->state.ip, .port = domain::hub_port};
  const auto limit =
      std::chrono::seconds(static_cast<int>(seconds) + 15);  // the project ends the command itself before that
  const auto answer = co_await ask_pod(c.site.to_projects, pod, std::move(head), json::serialize(parameters), limit);
  const std::vector<store::grant> active{{project, c.account()}};
  co_await store::projects(c.site.pool).touch(active);
  json::error_code problem;
  auto value = json::parse(answer.body, problem);
  if (problem || !value.is_object())
    fail(disposition::failed, "The project gave no answer that can be read. Restart it.");
  co_return value;
}

constexpr endpoint endpoints[] = {
    {"projects/create", "title?, description?, start?", "{project_id}", false, false, create},
    {"projects/get", "limit? (50)", "[{project_id, title}], the last edited first", false, true, get},
    {"projects/start", "project_id", "{status}, when the project runs; {error}, when it cannot", false, false, start},
    {"projects/stop", "project_id", "{status}, when the project has stopped", false, false, stop},
    {"projects/update", "project_id, title?, description?", "{status}", false, false, update},
    {"projects/delete", "project_id", "{status}", false, false, remove},
    {"projects/restore", "project_id", "{status}", false, false, restore},
    {"projects/collaborators/add", "project_id, account_id or email_address", "{status}", false, false,
     add_collaborator},
    {"projects/collaborators/remove", "project_id, account_id or email_address", "{status}", false, false,
     remove_collaborator},
    {"projects/collaborators/list", "project_id", "[{account_id, first_name, last_name, group}]", false, true,
     list_collaborators},
    {"exec", "project_id, command, args?, path?, timeout? (60 s), max_output?, bash?, env?, err_on_exit? (true)",
     "{type, stdout, stderr, exit_code}", false, false, exec},
};

}  // namespace

std::span<const endpoint> project_endpoints() noexcept { return endpoints; }

}  // namespace atrium::hub_next
