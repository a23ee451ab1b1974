#include "atrium/k8s/json.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>

namespace atrium::k8s {

namespace json = boost::json;

const json::value* find(const json::value& root, path_keys keys) noexcept {
  const json::value* at = &root;
  for (std::string_view key : keys) {
    const auto* object = at->if_object();
    if (!object) return nullptr;
    at = object->if_contains(key);
    if (!at) return nullptr;
  }
  return at;
}

std::string text_at(const json::value& root, path_keys keys, std::string_view otherwise) {
  const auto* at = find(root, keys);
  const auto* text = at ? at->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string(otherwise);
}

std::int64_t integer_at(const json::value& root, path_keys keys, std::int64_t otherwise) noexcept {
  const auto* at = find(root, keys);
  if (!at) return otherwise;
  if (const auto* i = at->if_int64()) return *i;
  if (const auto* d = at->if_double(); d && *d > -9e15 && *d < 9e15) return static_cast<std::int64_t>(*d);
  return otherwise;
}

bool boolean_at(const json::value& root, path_keys keys, bool otherwise) noexcept {
  const auto* at = find(root, keys);
  const auto* b = at ? at->if_bool() : nullptr;
  return b ? *b : otherwise;
}

result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  boost::system::error_code failed;
  auto value = json::parse(text, failed, json::make_shared_resource<json::monotonic_resource>(text.size()), options);
  if (failed) return error(disposition::invalid, "The text is not valid JSON.").with_peer_text(failed.message());
  return value;
}

result<std::string> decode_base64(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (char c : text)
    if (c != '\n' && c != '\r') clean.push_back(c);
  if (clean.empty()) return std::string();
  if (clean.size() % 4 != 0) return error(disposition::invalid, "The text is not valid base64.");
  std::string out(clean.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(clean.data()), static_cast<int>(clean.size()));
  if (n < 0) return error(disposition::invalid, "The text is not valid base64.");
  const auto padding = static_cast<std::size_t>(std::count(clean.end() - 2, clean.end(), '='));
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

std::string encode_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

}  // namespace atrium::k8s
