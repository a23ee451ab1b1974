/// @file handlers.hpp - small things that page handlers share. For .cpp files of hub-next.
#pragma once

#include "apps/hub-next/page.hpp"
#include "apps/hub-next/site.hpp"
#include "apps/operations/auth.hpp"
#include "apps/store/settings.hpp"

namespace atrium::hub_next {

inline bool secure(const net::exchange& x) { return x.secure() || operations::came_by_tls(x.request()); }

/// Name of the site; its default when the database does not answer, so that pages of words still come.
rt::task<brand> brand_of(site&);

/// Answers with a page.
rt::task<void> show(net::exchange&, site&, page);
using page_function = rt::task<void> (*)(net::exchange&, site&);
/// A handler whose failures are told on a page, in words, with the status of their disposition.
net::handler on_page(site&, page_function);

/// Answers 303 to a path of ours, with `cookie` as Set-Cookie when not empty.
rt::task<void> go(net::exchange&, std::string path, std::string cookie = {});

inline std::string client_of(const net::exchange& x) {
  return operations::client_address(x.request(), x.peer().text());
}

}  // namespace atrium::hub_next
