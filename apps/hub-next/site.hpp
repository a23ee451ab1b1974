/// @file site.hpp - what the handlers of hub-next share. Layer: apps/hub-next.
#pragma once

#include <map>
#include <string>

#include "atrium/net/client.hpp"
#include "atrium/net/server.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::hub_next {

struct site {
  pg::pool& pool;
  net::http_client& to_projects;  ///< for port 6000 of project pods
};

/// Adds the pages (/, /info, /policies, /auth) or the API (/api/v2) to a router; `s` must outlive it.
void add_pages(net::router&, site& s);
void add_auth(net::router&, site& s);
void add_api(net::router&, site& s);

}  // namespace atrium::hub_next
