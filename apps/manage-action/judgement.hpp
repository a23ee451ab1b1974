/// @file judgement.hpp - what a failed action means: try again, or tell people what to do. Layer: apps/manage-action,
/// I/O-free.
#pragma once

#include <string>

#include "apps/domain/project.hpp"
#include "atrium/base/error.hpp"
#include "atrium/rt/task_node.hpp"

namespace atrium::manage_action {

/// How long the same call is worth repeating, when most failures that pass are for `limit`; zero: it cannot succeed
/// later.
rt::duration worth_repeating(const error&, rt::duration limit) noexcept;

/// The sentence for action_request.err and state.error.
std::string sentence_for_people(const error&, domain::action_name);

}  // namespace atrium::manage_action
