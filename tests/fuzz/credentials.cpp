// Everything in a request that says who asks: keys, cookies, signed headers, origins, addresses, routes.
#include "apps/domain/credentials.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/domain/user_header.hpp"
#include "apps/domain/validation.hpp"
#include "apps/hub-next/forms.hpp"
#include "apps/hub-proxy/route.hpp"
#include "apps/operations/auth.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

namespace {

void user_header(std::string_view text) {
  constexpr std::string_view secret = "the secret of a project";
  const auto then = domain::timestamp(std::chrono::seconds(1'700'000'000));
  ATRIUM_ASSERT(!domain::verify_user_header(text, secret, then), "nobody guesses a signature");
  const auto first = domain::base64url_encode(text);
  const auto u = domain::verify_user_header(first + "." + domain::hmac_sha256_hex(secret, first), secret, then);
  if (!u) return;
  ATRIUM_ASSERT(u->expires > then, "what has expired is refused");
  const auto again = domain::verify_user_header(domain::sign_user_header(*u, secret), secret, then);
  ATRIUM_ASSERT(again && again->account_id == u->account_id && again->expires == u->expires,
                "a signed user reads back");
}

void routes(std::string_view target) {
  const auto r = hub_proxy::parse_route(target);
  if (!r) return;
  ATRIUM_ASSERT(target.substr(37) == r->target && r->target.starts_with('/'), "the rest is forwarded as it is");
  ATRIUM_ASSERT(target.substr(1, 36).size() == 36 && !r->project.is_nil() == (r->project != domain::project_id()),
                "ids compare");
}

void request(tests::fuzz_input& in) {
  net::request r;
  for (const char* name : {"Authorization", "Cookie", "Origin", "Referer", "Host", "X-Forwarded-Host",
                           "X-Forwarded-For", "X-Forwarded-Proto"})
    if (const auto value = in.part(); !value.empty()) r.headers.add(name, std::string(value));
  r.method = "POST";
  const auto who = hub_proxy::credentials_of(r);
  ATRIUM_ASSERT(who.size() <= 4, "a request tries few sessions");
  const bool key = !operations::api_key_of(r).empty();
  for (const auto& c : who) ATRIUM_ASSERT(c.session != key || !c.session, "a key stands alone");
  const bool same = operations::same_origin(r);
  const auto origin = r.headers.find("Origin");
  auto host = r.headers.find("X-Forwarded-Host");
  if (!host) host = r.headers.find("Host");
  if (same && origin) {
    ATRIUM_ASSERT(host && *origin != "null", "an origin is the same as something");
    ATRIUM_ASSERT(origin->find('@') == std::string_view::npos, "no user information");
  }
  const auto address = operations::client_address(r, "192.0.2.7:1234");
  ATRIUM_ASSERT(address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos && !address.empty(),
                "an address is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto text = in.part();
  user_header(text);
  routes(text);
  if (const auto key = domain::api_key_of_authorization(text); !key.empty())
    if (const auto parts = domain::parse_api_key(key)) ATRIUM_ASSERT(parts->id >= 0, "a key spells a row");
  if (domain::looks_like_session_token(text)) ATRIUM_ASSERT(text.size() == 43, "tokens have their length");
  if (const auto plain = domain::base64url_decode(text))
    ATRIUM_ASSERT(domain::base64url_encode(*plain) == text, "base64url has one form");
  if (const auto email = domain::clean_email(text))
    ATRIUM_ASSERT(domain::clean_email(*email).value() == *email, "cleaning twice changes nothing");
  if (const auto name = domain::clean_person_name(text))
    ATRIUM_ASSERT(domain::clean_person_name(*name).value() == *name, "nor with names");
  if (const auto title = domain::clean_title(text))
    ATRIUM_ASSERT(domain::clean_title(*title).value() == *title, "nor with titles");
  (void)domain::parse_timestamp(text);
  const auto next = hub_next::safe_next(text);
  ATRIUM_ASSERT(next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\") &&
                    next.find_first_of("\r\n\t") == std::string::npos,
                "we send people to our own pages only");
  request(in);
  return 0;
}
