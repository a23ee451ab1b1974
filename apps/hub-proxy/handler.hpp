/// @file handler.hpp - one request on its way into a project. Layer: apps/hub-proxy.
#pragma once

#include "apps/hub-proxy/grants.hpp"
#include "atrium/net/client.hpp"

namespace atrium::hub_proxy {

/// Answers an exchange: from the project, or with what is in the way. The references must outlive it, and so must
/// `content_host` (empty: ports are shown on the application's origin, for sites where everybody trusts everybody).
rt::task<void> handle(net::exchange&, grants&, net::http_client& to_projects, std::string_view content_host = {});

}  // namespace atrium::hub_proxy
