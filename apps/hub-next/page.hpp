/// @file page.hpp - the frame of a server-rendered page: styles, header, footer and the headers that guard it.
/// Layer: apps/hub-next. I/O-free.
#pragma once

#include <string>
#include <string_view>

#include "atrium/net/http.hpp"

namespace atrium::hub_next {

struct page {
  std::string title;        ///< before " - <site>"; empty: the site's name alone
  std::string main;         ///< HTML of <main>
  std::string script = {};  ///< text of an inline script; the page works without it
  unsigned status = 200;
  bool wide = false;
};

/// Name of the installation as the administrator set it.
struct brand {
  std::string name = "Atrium";
};

/// The whole answer: strict CSP with a fresh nonce, no framing, no sniffing, no caching. `secure` adds HSTS.
net::response render(const page&, const brand&, bool secure);

/// The headers that every answer of this service gets, pages or not.
void guard(net::response&, bool secure);

/// Escaped for HTML.
std::string html(std::string_view text);

}  // namespace atrium::hub_next
