/// @file http.hpp - HTTP/1.1 messages (RFC 9110, RFC 9112) as plain values. Layer: net.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium::net {

/// Field lines in order. Names compare without case; values are kept as sent, trimmed. The text of all of them stands
/// in one block: views of names and values are good until the object changes or goes.
class headers {
 public:
  using value_type = std::pair<std::string_view, std::string_view>;  ///< name, value
  class iterator;

  headers() = default;
  headers(std::initializer_list<value_type> all);

  /// First value of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// All values of that name.
  std::vector<std::string_view> all(std::string_view name) const;
  std::size_t count(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return find(name).has_value(); }
  /// True when the comma-separated list of that name holds `token` (without case), as `Connection: Upgrade`.
  bool has_token(std::string_view name, std::string_view token) const noexcept;
  /// `name` and `value` may be views into this object, here and in set().
  void add(std::string_view name, std::string_view value);
  /// Replaces all of that name by one.
  void set(std::string_view name, std::string_view value);
  /// Fields removed.
  std::size_t erase(std::string_view name) noexcept;
  /// Removes the fields for which `gone(name, value)` is true.
  template <class Predicate>
  std::size_t erase_if(Predicate gone) {
    return std::erase_if(fields_, [&](const field& f) { return gone(name_of(f), value_of(f)); });
  }
  inline iterator begin() const noexcept;
  inline iterator end() const noexcept;
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  struct field {
    std::uint32_t name, name_size, value, value_size;  // positions in text_
  };
  std::string_view name_of(const field& f) const noexcept { return {text_.data() + f.name, f.name_size}; }
  std::string_view value_of(const field& f) const noexcept { return {text_.data() + f.value, f.value_size}; }
  /// Position behind the old text, where `a` and then `b` were written.
  std::uint32_t append(std::string_view a, std::string_view b);

  std::string text_;
  std::vector<field> fields_;
};

class headers::iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = headers::value_type;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = value_type;
  iterator() = default;
  value_type operator*() const noexcept {
    const auto& f = all_->fields_[at_];
    return {all_->name_of(f), all_->value_of(f)};
  }
  iterator& operator++() noexcept {
    ++at_;
    return *this;
  }
  iterator operator++(int) noexcept { return {all_, at_++}; }
  bool operator==(const iterator&) const = default;

 private:
  friend class headers;
  iterator(const headers* all, std::size_t at) noexcept : all_(all), at_(at) {}
  const headers* all_ = nullptr;
  std::size_t at_ = 0;
};

inline headers::iterator headers::begin() const noexcept { return {this, 0}; }
inline headers::iterator headers::end() const noexcept { return {this, fields_.size()}; }

bool equal_nocase(std::string_view a, std::string_view b) noexcept;

/// Head of a request.
struct request {
  std::string method = "GET";
  std::string target = "/";  ///< origin-form as sent: path and query, percent-encoded
  unsigned minor_version = 1;
  net::headers headers;

  std::string_view path() const noexcept;   ///< target up to '?', still encoded
  std::string_view query() const noexcept;  ///< after '?', or empty
  /// Decoded value of the first such query parameter.
  std::optional<std::string> query_value(std::string_view name) const;
  /// Every value of a cookie of that name over all Cookie lines (a name may stand several times): views of `headers`.
  std::vector<std::string_view> cookies(std::string_view name) const;
};

/// Head of a response, with a body where it is known as a whole.
struct response {
  unsigned status = 200;
  net::headers headers;
  std::string body;

  static response text(unsigned status, std::string body);
  static response html(unsigned status, std::string body);
  /// `serialized` is JSON text.
  static response json(unsigned status, std::string serialized);
  static response redirect(std::string location, unsigned status = 303);
  /// `{"error": public text, "trace": id}` with the status of its disposition, or that of its code where it is
  /// "http.NNN". Peer text stays out; without a trace id (atrium/base/trace.hpp) that member does.
  static response of(const error&);
};

std::string_view reason_phrase(unsigned status) noexcept;

/// Percent-decoding; nullopt for malformed escapes or a decoded NUL.
std::optional<std::string> percent_decode(std::string_view, bool plus_is_space = false);
std::string percent_encode(std::string_view);
/// Pairs of an application/x-www-form-urlencoded text.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view);
/// Text made safe for HTML element content and quoted attributes.
std::string escape_html(std::string_view);

}  // namespace atrium::net
