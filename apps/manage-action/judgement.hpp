/// @file judgement.hpp - what a failed action means: try again, or tell people what to do. Layer: apps/manage-action,
/// I/O-free.
#pragma once

#include <string>

#include "apps/domain/project.hpp"
#include "atrium/base/error.hpp"

namespace atrium::manage_action {

/// Whether the same call may succeed a little later.
bool may_pass(const error&) noexcept;

/// The sentence for action_request.err and state.error.
std::string sentence_for_people(const error&, domain::action_name);

}  // namespace atrium::manage_action
