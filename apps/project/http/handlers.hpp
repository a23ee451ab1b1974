/// @file handlers.hpp - the HTTP interface of a project server (docs/protocols.md section 2). Layer: app project.
/// The handlers check nothing about who asks: see access.hpp.
#pragma once

#include <memory>

#include "apps/project/parts.hpp"
#include "atrium/net/server.hpp"

namespace atrium::project {

/// GET and HEAD /files/<path>: ranges, conditions, folders as tar, state of an upload.
rt::task<void> download(net::exchange&, parts&);

/// PUT /files/<path>: uploads that can be resumed. One for the life of the server.
class uploads {
 public:
  explicit uploads(parts& all) : all_(all) {}
  rt::task<void> put(net::exchange&);

 private:
  struct running;
  rt::task<std::uint64_t> receive(net::exchange&, running&, int fd, std::uint64_t offset,
                                  std::optional<std::uint64_t> total, const std::string& path);
  parts& all_;
  std::map<std::string, std::shared_ptr<running>> running_;
};
/// Where the beginning of an unfinished upload lies.
std::string part_path(const std::string& path);

/// POST /exec
rt::task<void> execute(net::exchange&, parts&);

/// /port/<n>/..., /server/<n>/... and /proxy/<n>/...
rt::task<void> to_port(net::exchange&, parts&, bool keep_path);

}  // namespace atrium::project
