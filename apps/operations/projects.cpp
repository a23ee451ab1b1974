#include "apps/operations/projects.hpp"

#include <boost/json.hpp>

#include "apps/domain/validation.hpp"
#include "atrium/base/log.hpp"

namespace atrium::operations {

namespace {

using store::project_actions;

[[noreturn]] void no_such_project() { fail(disposition::not_found, "There is no such project among yours."); }

/// Writes to the project's log. What it tells of has happened already, so a failure to write is only logged.
rt::task<void> note(pg::pool& pool, domain::project_id project, domain::account_id who, boost::json::object event) {
  try {
    co_await store::project_log(pool).add(project, who, boost::json::serialize(event));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::warn("project log not written", {{"project_id", project.view()}, {"error", f.error()}});
  }
}

rt::task<void> ask(pg::pool& pool, domain::project_id project, domain::account_id who, domain::action_name action) {
  const auto outcome = co_await project_actions(pool).request(project, who, action);
  if (outcome == project_actions::asked::no_such_project) no_such_project();
  if (outcome != project_actions::asked::requested) co_return;
  log::info("action requested", {{"project", project.view()}, {"action", domain::to_string(action)}});
  co_await note(pool, project, who, {{"event", std::string(domain::to_string(action)) + "_requested"}});
}

rt::task<domain::account_id> find_person(pg::pool& pool, projects::whom whom) {
  if (whom.account_id) {
    if (!co_await store::accounts(pool).get(*whom.account_id))
      fail(disposition::not_found, "This person has no account here.");
    co_return *whom.account_id;
  }
  const auto email = domain::clean_email(whom.email_address).value();
  const auto found = co_await store::accounts(pool).find_by_email(email);
  if (!found) fail(disposition::not_found, "Nobody here has this e-mail address. Ask the person to sign up first.");
  co_return found->account.account_id;
}

}  // namespace

rt::task<domain::project_id> projects::create(domain::account_id who, creation c) {
  const auto title = domain::clean_title(c.title).value();
  const auto description = domain::clean_description(c.description).value();
  const auto project = co_await store::projects(pool_).create({who, title, description});
  co_await note(pool_, project.project_id, who, {{"event", "created"}, {"title", title}});
  if (c.start) co_await start(who, project.project_id);
  co_return project.project_id;
}

rt::task<store::project> projects::get(domain::account_id who, domain::project_id id) {
  auto project = co_await store::projects(pool_).get(id);
  if (!project || !project->group_of(who)) no_such_project();
  co_return std::move(*project);
}

rt::task<std::vector<store::project>> projects::list(domain::account_id who, store::projects::list_options options) {
  co_return co_await store::projects(pool_).list_for(who, options);
}

rt::task<void> projects::update(domain::account_id who, domain::project_id id, std::optional<std::string> title,
                                std::optional<std::string> description) {
  boost::json::object event{{"event", "settings_changed"}};
  if (title) event["title"] = *(title = domain::clean_title(*title).value());
  if (description) description = domain::clean_description(*description).value();
  if (!title && !description) fail(disposition::invalid, "Give a title or a description to change.");
  if (!co_await store::projects(pool_).update(id, who, title, description)) no_such_project();
  if (description) event["description"] = true;
  co_await note(pool_, id, who, std::move(event));
}

rt::task<void> projects::remove(domain::account_id who, domain::project_id id) {
  const auto project = co_await get(who, id);
  if (!domain::may(project.group_of(who), domain::project_right::remove))
    fail(disposition::denied, "Only an owner can delete a project. You can leave it instead.");
  if (!co_await store::projects(pool_).set_deleted(id, who, true)) no_such_project();
  co_await note(pool_, id, who, {{"event", "deleted"}});
  co_await project_actions(pool_).request_by_system(id, domain::action_name::stop);
}

rt::task<void> projects::undelete(domain::account_id who, domain::project_id id) {
  const auto project = co_await get(who, id);
  if (!domain::may(project.group_of(who), domain::project_right::remove))
    fail(disposition::denied, "Only an owner can bring a project back.");
  if (!co_await store::projects(pool_).set_deleted(id, who, false)) no_such_project();
  co_await note(pool_, id, who, {{"event", "undeleted"}});
}

rt::task<void> projects::start(domain::account_id who, domain::project_id id) {
  return ask(pool_, id, who, domain::action_name::start);
}
rt::task<void> projects::stop(domain::account_id who, domain::project_id id) {
  return ask(pool_, id, who, domain::action_name::stop);
}
rt::task<void> projects::restart(domain::account_id who, domain::project_id id) {
  return ask(pool_, id, who, domain::action_name::restart);
}

rt::task<void> projects::cancel_start(domain::account_id who, domain::project_id id) {
  switch (co_await project_actions(pool_).cancel_start(id, who)) {
    case project_actions::cancelled::no_such_project:
      no_such_project();
    case project_actions::cancelled::nothing_to_cancel:
      fail(disposition::conflict, "The project is not starting, so there is nothing to cancel.");
    default:
      co_await note(pool_, id, who, {{"event", "start_cancelled"}});
  }
}

rt::task<void> projects::add_collaborator(domain::account_id who, domain::project_id id, whom person) {
  co_await get(who, id);  // before the person is looked up: strangers to the project learn nothing of accounts here
  const auto account = co_await find_person(pool_, std::move(person));
  if (!co_await store::projects(pool_).add_collaborator(id, who, account)) no_such_project();
  co_await note(pool_, id, who, {{"event", "collaborator_added"}, {"account_id", account.view()}});
}

rt::task<void> projects::remove_collaborator(domain::account_id who, domain::project_id id, whom person) {
  co_await get(who, id);
  // By id also people whose account is gone can be taken out.
  const auto account = person.account_id ? *person.account_id : co_await find_person(pool_, std::move(person));
  co_await store::projects(pool_).remove_collaborator(id, who, account);
  co_await note(pool_, id, who, {{"event", "collaborator_removed"}, {"account_id", account.view()}});
}

rt::task<std::vector<store::collaborator>> projects::collaborators(domain::account_id who, domain::project_id id) {
  const auto project = co_await get(who, id);
  auto people = co_await store::projects(pool_).collaborators(id);
  // Addresses are for those who administer the project; everybody else sees names.
  if (project.group_of(who) != domain::project_group::owner)
    for (auto& c : people)
      if (c.person.account_id != who) c.person.email_address.clear();
  co_return people;
}

rt::task<domain::start_timeline> projects::timeline(domain::account_id who, domain::project_id id) {
  co_return domain::parse_timeline((co_await get(who, id)).status);
}

rt::task<std::vector<store::log_entry>> projects::log(domain::account_id who, domain::project_id id, int limit) {
  co_await get(who, id);
  co_return co_await store::project_log(pool_).list(id, limit);
}

}  // namespace atrium::operations
