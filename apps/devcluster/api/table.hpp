/// @file table.hpp - lists, plain and as the tables that kubectl prints. Layer: apps/devcluster, I/O-free.
#pragma once

#include <span>
#include <string>

#include "apps/devcluster/store/store.hpp"

namespace atrium::devcluster {

/// True when the first acceptable form is a Table.
bool wants_table(std::string_view accept) noexcept;

/// A meta.k8s.io/v1 Table. `include` is "Object", "Metadata" (default) or "None": what stands beside the cells of each
/// row.
std::string table_text(const resource_type& type, std::span<const object_ptr> rows, std::string_view resource_version,
                       std::string_view continue_at, std::string_view include, wall_time now);

/// "<Kind>List" with its items.
std::string list_text(const resource_type& type, const list_page& page, std::string_view continue_at);

/// "5s", "3m12s", "2h", "4d5h" as kubectl shows ages.
std::string human_duration(std::chrono::seconds age);

/// "Running", "CrashLoopBackOff", "Terminating", ...: the STATUS column of a pod.
std::string pod_status_word(const json::value& pod);

}  // namespace atrium::devcluster
