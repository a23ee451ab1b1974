/// @file handler.hpp - one request on its way into a project. Layer: apps/hub-proxy.
#pragma once

#include "apps/hub-proxy/grants.hpp"
#include "atrium/net/client.hpp"

namespace atrium::hub_proxy {

/// Answers an exchange: from the project, or with what is in the way. The references must outlive it.
rt::task<void> handle(net::exchange&, grants&, net::http_client& to_projects);

}  // namespace atrium::hub_proxy
