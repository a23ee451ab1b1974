/// @file project_pod.hpp - names by which a project and its pod find each other. Layer: apps/domain.
#pragma once

#include <cstdint>
#include <span>

#include "apps/domain/ids.hpp"

namespace atrium::domain {

inline constexpr std::string_view project_pod_selector = "run=project";
/// Annotation: the fence of the request that made the pod, so that an observer knows which start it belongs to.
inline constexpr std::string_view fence_annotation = "atrium/fence";
/// Annotation: when that request was written (ISO 8601). It stays the same when another worker takes the request over.
inline constexpr std::string_view requested_annotation = "atrium/requested";
/// Annotation and environment variable: the trace id of the action that asked for this start.
inline constexpr std::string_view trace_annotation = "atrium/trace";
inline constexpr std::string_view trace_variable = "ATRIUM_TRACE";
inline constexpr std::string_view secret_variable = "ATRIUM_PROJECT_SECRET";
inline constexpr std::string_view project_container = "project";
/// Where a project's server listens: for hubs, for browsers (through hub-proxy), for SSH.
inline constexpr std::uint16_t hub_port = 6000, browser_port = 6001, ssh_port = 2222;

/// "project-<uuid>"
std::string pod_name(project_id);
/// @errors invalid
result<project_id> project_of_pod(std::string_view pod_name);

/// Kubernetes is rated for some thousand pods a namespace, so projects are spread over several by their id.
/// `namespaces` is not empty; the same list in the same order always gives the same one.
const std::string& pod_namespace(std::span<const std::string> namespaces, project_id) noexcept;

}  // namespace atrium::domain
