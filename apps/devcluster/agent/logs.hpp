/// @file logs.hpp - the output of containers: reading, following, keeping it small. Layer: apps/devcluster.
///
/// Containers write straight into a file, so that their output goes on when devcluster does not. What is older than the
/// newest 10 MB is given back to the disk as a hole at the front: offsets stay, nothing is copied and no line is lost
/// at the turn.
#pragma once

#include <string>

#include "apps/devcluster/agent/pod_worker.hpp"
#include "apps/devcluster/api/api.hpp"
#include "atrium/net/server.hpp"

namespace atrium::devcluster {

/// GET .../log: container, follow, previous, tailLines, limitBytes. @errors BadRequest
rt::task<void> serve_log(net::exchange& ex, pod_worker& pod, const query_list& query);

/// Where the last `lines` lines begin; `begin` is the first byte that there is.
std::int64_t tail_offset(int fd, std::int64_t begin, std::int64_t end, std::int64_t lines);

/// The first byte that is not in a hole.
std::int64_t first_byte(int fd) noexcept;

/// Frees what is older than the newest `keep` bytes.
void trim_log(const std::string& file, std::int64_t keep = 10 << 20) noexcept;

}  // namespace atrium::devcluster
