/// @file parts.hpp - what the handlers of a project server work with. Layer: app project.
#pragma once

#include <set>
#include <string>

#include "apps/project/activity.hpp"
#include "apps/project/documents/documents.hpp"
#include "apps/project/files/watcher.hpp"
#include "apps/project/terminals/terminals.hpp"
#include "atrium/net/client.hpp"

namespace atrium::project {

/// Who is connected; everybody is told when that changes.
class presence {
 public:
  void join(peer& p);
  void leave(peer& p) noexcept;
  std::size_t size() const noexcept { return peers_.size(); }
  const std::set<peer*>& all() const noexcept { return peers_; }

 private:
  void announce();
  std::set<peer*> peers_;
};

/// Lives as long as the server. @thread the loop's
struct parts {
  parts(std::string id, std::string secret_token, std::string home_path, rt::scope& background)
      : project_id(std::move(id)),
        secret(std::move(secret_token)),
        files(std::move(home_path)),
        watching(files),
        docs(files, watching, background),
        terms(files, background) {}

  std::string project_id, secret;
  home files;
  watcher watching;
  documents docs;
  terminals terms;
  activity active;
  presence people;
  net::http_client client;  ///< to servers inside the project
};

/// Answer of GET /status and of the method `status`.
rt::task<std::string> status_json(parts&);

}  // namespace atrium::project
