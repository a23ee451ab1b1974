// People of a project and what they may do.
#include "apps/domain/json.hpp"
#include "apps/domain/project.hpp"

namespace atrium::domain {

std::string_view to_string(project_group g) noexcept { return g == project_group::owner ? "owner" : "collaborator"; }

project_users parse_users(std::string_view json) {
  project_users out;
  for (const auto& [key, value] : parse_object(json)) {
    const auto id = account_id::parse(key);
    if (!id || !value.is_object()) continue;
    const auto group = string_at(value.get_object(), "group");
    if (group == "owner") out.emplace(*id, project_group::owner);
    else if (group == "collaborator") out.emplace(*id, project_group::collaborator);
  }
  return out;
}

bool may(std::optional<project_group> group, project_right right) noexcept {
  if (!group) return false;
  if (*group == project_group::owner) return true;
  return right == project_right::see || right == project_right::work || right == project_right::invite;
}

result<void> may_remove_collaborator(const project_users& users, account_id who, account_id whom) {
  const auto mine = users.find(who), theirs = users.find(whom);
  if (mine == users.end()) return error(disposition::not_found, "There is no such project among yours.");
  if (theirs == users.end()) return error(disposition::not_found, "This person is not on the project.");
  if (who != whom && !may(mine->second, project_right::remove_others))
    return error(disposition::denied, "Only an owner of the project can remove other people.");
  if (theirs->second == project_group::owner) {
    std::size_t owners = 0;
    for (const auto& [id, group] : users) owners += group == project_group::owner;
    if (owners == 1)
      return error(disposition::conflict,
                   "A project needs an owner: the last one cannot leave. Delete the project instead.");
  }
  return {};
}

}  // namespace atrium::domain
