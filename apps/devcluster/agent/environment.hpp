/// @file environment.hpp - the environment of a container: values, references, $(NAME) in texts. Layer:
/// apps/devcluster, I/O-free.
#pragma once

#include <string>
#include <vector>

#include "apps/devcluster/store/store.hpp"

namespace atrium::devcluster {

using variables = std::vector<std::pair<std::string, std::string>>;

/// In order, later ones win. @errors NotFound (a ConfigMap or Secret, or a key in it, is missing), BadRequest
result<variables> environment_of(const object_store& store, const json::value& pod, const json::value& container);

/// What every container of the pod has, then `own`.
variables sandbox_variables(const json::value& pod, const variables& own);
/// "NAME=value", each name once.
std::vector<std::string> environment_texts(const variables& all);

/// Replaces $(NAME); $$ is $; unknown names stay.
std::string expand(std::string_view text, const variables& known);

}  // namespace atrium::devcluster
