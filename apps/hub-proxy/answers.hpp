/// @file answers.hpp - what people and programs read when a request does not reach a project. I/O-free.
/// Layer: apps/hub-proxy.
#pragma once

#include "apps/domain/project.hpp"
#include "atrium/net/http.hpp"

namespace atrium::hub_proxy {

/// Why a request did not reach its project.
struct obstacle {
  unsigned status = 404;
  std::string title;    ///< of the page
  std::string message;  ///< a sentence or two: what is wrong and what to do
  std::string link, link_text;
  unsigned retry_after = 0;  ///< seconds; the page reloads itself then
};

/// No obstacle: the project runs and has an address.
std::optional<obstacle> obstacle_of(const domain::project_state&, domain::project_id);
obstacle obstacle_of(const error&, domain::project_id);
/// The pod is there but does not answer.
obstacle no_answer(domain::project_id);

/// A small page for navigations, `{"error": ...}` for everything else.
net::response to_response(const obstacle&, bool navigation);

/// Pages and pictures that may hold code are shown in a sandbox of their own: they come from people's files. On the
/// application's origin nothing in them runs; `apart` from it, at a content host, scripts may.
void guard_content(net::headers& answer, bool apart = false);
/// What no project may say for the whole origin.
void guard_origin(net::headers& answer);

}  // namespace atrium::hub_proxy
