/// @file access.hpp - who may ask: hubs, by the project's secret; people, by the header that a hub signed. Layer: app
/// project.
#pragma once

#include <optional>

#include "apps/project/session/peer.hpp"
#include "atrium/net/server.hpp"

namespace atrium::project {

/// Answers 401 to who does not bring `Authorization: Bearer <secret>` (compared in constant time). `secret` must
/// outlive the handler.
net::handler guarded(const std::string& secret, net::handler);
/// The person that a hub vouches for. @errors unauthenticated: no header, forged or expired
person person_of(const net::request&, std::string_view secret);

}  // namespace atrium::project
