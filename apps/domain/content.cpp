#include "apps/domain/content.hpp"

#include <charconv>

#include "apps/domain/json.hpp"
#include "apps/domain/signed_object.hpp"

namespace atrium::domain {

namespace {

constexpr std::size_t uuid_size = 36, longest_host = 190;  // 253 with a label and its dot

/// Without the port. A bracketed IPv6 address is left as it is.
std::string_view name_of(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  if (!whole || n == 0 || text.front() == '0') return std::nullopt;  // one spelling, one origin
  return n;
}

error not_a_pass() {
  return error(disposition::unauthenticated, "You are not signed in here any more. Open this again from the project.");
}

}  // namespace

std::string content_host_name(const content_place& place, std::string_view content_host) {
  return (place.port == 0 ? "files" : std::to_string(place.port)) + "-" + place.project.str() + "." +
         std::string(content_host);
}

bool is_content_host(std::string_view host, std::string_view content_host) noexcept {
  const auto name = name_of(host);
  if (content_host.empty() || name.size() < content_host.size() + 2) return false;
  const auto at = name.size() - content_host.size();
  return name[at - 1] == '.' && same_name(name.substr(at), content_host);
}

std::optional<content_place> parse_content_host(std::string_view host, std::string_view content_host) {
  if (!is_content_host(host, content_host)) return std::nullopt;
  const auto label = name_of(host).substr(0, name_of(host).size() - content_host.size() - 1);
  if (label.size() < uuid_size + 2 || label[label.size() - uuid_size - 1] != '-') return std::nullopt;
  const auto project = project_id::parse(label.substr(label.size() - uuid_size));
  const auto what = label.substr(0, label.size() - uuid_size - 1);
  if (!project) return std::nullopt;
  if (same_name(what, "files")) return content_place{*project, 0};
  const auto port = port_of(what);
  if (!port) return std::nullopt;
  return content_place{*project, *port};
}

std::string check_content_host(std::string_view h) {
  const bool right = h.size() <= longest_host &&
                     h.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == h.npos && !h.starts_with('.') &&
                     !h.ends_with('.') && h.find("..") == h.npos;
  return right ? "" : "must be a host name in lower case, without a port, such as content.example.org";
}

bool reaches_content_host(std::string_view host, std::string_view content_host) noexcept {
  if (content_host != "localhost" && !content_host.ends_with(".localhost")) return true;
  const auto name = name_of(host);
  return name == "[::1]" || name.starts_with("127.") || same_name(name, "localhost") ||
         is_content_host(host, "localhost");
}

std::string sign_content_pass(const content_pass& p, std::string_view project_secret) {
  return sign_object({{"project_id", p.place.project.view()},
                      {"port", p.place.port},
                      {"session", p.session_hash},
                      {"use", p.purpose == content_pass::use::enter ? "enter" : "stay"},
                      {"expires", to_unix_seconds(p.expires)}},
                     project_secret);
}

result<content_pass> read_content_pass(std::string_view value) {
  const auto o = read_signed_object(value);
  if (!o) return not_a_pass();
  const auto project = project_id::parse(string_at(*o, "project_id").value_or(""));
  const auto* port = o->if_contains("port");
  const auto expires = unix_seconds_at(*o, "expires");
  const auto session = string_at(*o, "session").value_or(""), use = string_at(*o, "use").value_or("");
  const bool right = project && port && port->is_int64() && port->get_int64() >= 0 && port->get_int64() <= 65535 &&
                     expires && !session.empty() && (use == "enter" || use == "stay");
  if (!right) return not_a_pass();
  return content_pass{.place = {*project, static_cast<std::uint16_t>(port->get_int64())},
                      .session_hash = std::string(session),
                      .purpose = use == "enter" ? content_pass::use::enter : content_pass::use::stay,
                      .expires = *expires};
}

result<content_pass> verify_content_pass(std::string_view value, std::string_view project_secret, timestamp now) {
  auto pass = read_content_pass(value);
  if (!pass || (is_signed_with(value, project_secret) && now < pass->expires)) return pass;
  return not_a_pass();
}

}  // namespace atrium::domain
