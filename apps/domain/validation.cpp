#include "apps/domain/validation.hpp"

#include <algorithm>
#include <array>

namespace atrium::domain {

namespace {

error bad(std::string sentence) { return error(disposition::invalid, std::move(sentence)); }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// White space of any kind and length becomes one space.
std::string single_spaced(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    if (!is_space(c)) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (static_cast<unsigned char>(c) >= 0x80);
}

bool good_local_part(std::string_view local) {
  if (local.empty() || local.size() > 64 || local.front() == '.' || local.back() == '.') return false;
  if (local.find("..") != std::string_view::npos) return false;
  return std::all_of(local.begin(), local.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+/=?^_`{|}~.-").find(c) != std::string_view::npos;
  });
}

bool good_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > 253) return false;
  while (true) {
    const auto label = domain.substr(0, domain.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; })) return false;
    if (label.size() == domain.size()) return true;
    domain.remove_prefix(label.size() + 1);
  }
}

/// The head of every public list of leaked passwords, from eight characters on.
constexpr std::array<std::string_view, 40> common_passwords = {
    "password", "password1",  "password123", "passw0rd", "12345678",  "123456789",  "1234567890", "123123123",
    "11111111", "00000000",   "87654321",    "88888888", "qwertyui",  "qwertyuiop", "qwerty123",  "qwerty12",
    "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx",    "asdfghjk", "asdfghjkl", "zxcvbnm1",   "abcd1234",   "abc12345",
    "iloveyou", "sunshine",   "princess",    "football", "baseball",  "superman",   "trustno1",   "starwars",
    "whatever", "computer",   "michelle",    "jennifer", "letmein1",  "welcome1",   "admin123",   "changeme"};

}  // namespace

std::optional<std::size_t> utf8_length(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first == 0) return std::nullopt;
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || text.size() - i <= more) return std::nullopt;
    char32_t point = first & (0x3fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return std::nullopt;
      point = point << 6 | (next & 0x3f);
    }
    constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return std::nullopt;
    i += more + 1;
  }
  return count;
}

result<std::string> clean_email(std::string_view text) {
  const auto email = lower(trim(text));
  if (email.empty()) return bad("Enter your e-mail address.");
  if (email.size() > 254) return bad("This e-mail address is too long: at most 254 characters.");
  const auto at = email.rfind('@');
  if (!utf8_length(email) || at == std::string::npos || !good_local_part(std::string_view(email).substr(0, at)) ||
      !good_domain(std::string_view(email).substr(at + 1)))
    return bad("This is not an e-mail address. It looks like name@example.org.");
  return email;
}

result<std::string> check_new_password(std::string_view password, std::string_view email) {
  const auto length = utf8_length(password);
  if (!length) return bad("The password holds bytes that are not text. Use letters, digits, spaces and signs.");
  if (*length < 8) return bad("The password is too short: use at least 8 characters.");
  if (*length > 128) return bad("The password is too long: use at most 128 characters.");
  const auto folded = lower(password);
  const bool one_letter = std::all_of(folded.begin(), folded.end(), [&](char c) { return c == folded.front(); });
  if (one_letter || std::find(common_passwords.begin(), common_passwords.end(), folded) != common_passwords.end())
    return bad(
        "This password is among the first that attackers try. Use another: three or four words make a good one.");
  if (!email.empty() && folded == lower(trim(email)))
    return bad("The password is your e-mail address. Use another: three or four words make a good one.");
  return std::string(password);
}

result<std::string> clean_person_name(std::string_view text, std::string_view which) {
  const std::string what(which);
  const auto name = single_spaced(text);
  const auto length = utf8_length(name);
  if (!length || has_control(name)) return bad("The " + what + " holds characters that cannot be shown. Type it anew.");
  if (*length == 0) return bad("Enter your " + what + ".");
  if (*length > 100) return bad("The " + what + " is too long: at most 100 characters.");
  // Names appear in messages to others: a link there would be advertisement sent in our name.
  if (name.find("://") != std::string::npos || lower(name).find("www.") != std::string::npos)
    return bad("The " + what + " looks like a web address.");
  return name;
}

result<std::string> clean_title(std::string_view text) {
  const auto title = single_spaced(text);
  const auto length = utf8_length(title);
  if (!length || has_control(title)) return bad("The title holds characters that cannot be shown. Type it anew.");
  if (*length == 0) return bad("Give the project a title.");
  if (*length > 200) return bad("The title is too long: at most 200 characters.");
  return title;
}

result<std::string> clean_description(std::string_view text) {
  const auto length = utf8_length(text);
  if (!length) return bad("The description holds characters that cannot be shown. Type it anew.");
  if (*length > 10'000) return bad("The description is too long: at most 10,000 characters.");
  return std::string(trim(text));
}

result<std::string> clean_key_name(std::string_view text) {
  const auto name = single_spaced(text);
  const auto length = utf8_length(name);
  if (!length || has_control(name))
    return bad("The name of the key holds characters that cannot be shown. Type it anew.");
  if (*length == 0) return bad("Give the key a name that says what it is for.");
  if (*length > 128) return bad("The name of the key is too long: at most 128 characters.");
  return name;
}

}  // namespace atrium::domain
