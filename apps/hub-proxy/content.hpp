/// @file content.hpp - the content origin: what a project serves is shown under host names of its own, where the
/// session cookie of the application never goes (docs/protocols.md section 6). Layer: apps/hub-proxy.
#pragma once

#include "apps/domain/content.hpp"
#include "apps/hub-proxy/grants.hpp"

namespace atrium::hub_proxy {

/// Where in the project lies what a content host was asked for.
std::string content_target(const domain::content_place&, std::string_view target);
/// The route to what content_target() gave, to which it refers.
route content_route(const domain::content_place&, std::string_view inside);
/// An API key alone, else the sessions that the passes among the cookies name; holds_pass() must follow.
std::vector<credential> content_credentials(const net::request&, const domain::content_place&);
/// Whether one of the passes is good for this place and was made for the session of this grant.
bool holds_pass(const net::request&, const domain::content_place&, const grant&);

/// What the application's origin does not show by a session: ports always, raw files when they are opened as pages.
/// nullopt: it is shown where it was asked for.
struct content_address {
  domain::content_place place;
  std::string target;  ///< path and query there
};
std::optional<content_address> content_address_of(const route&, const net::request&);

/// From the application to the content host: a page by a redirect with a pass, everything else by an error that says
/// so. `g` is the grant of the session that asked.
/// @errors denied; invalid (no content host can be reached from where the browser is)
net::response send_to_content(const net::request&, const content_address&, const grant& g,
                              std::string_view content_host);
/// Takes the pass of an address at a content host, and gives the cookie for it. @errors unauthenticated, not_found
rt::task<net::response> enter_content(const net::request&, domain::content_place, grants&);

}  // namespace atrium::hub_proxy
