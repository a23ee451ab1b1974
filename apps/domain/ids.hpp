/// @file ids.hpp - identifiers of accounts and projects: UUIDs that cannot be mixed up. Layer: apps/domain.
#pragma once

#include <array>
#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::domain {

/// Canonical text of a UUID (36 characters, lower case). A value without heap; the default is the nil UUID.
class uuid_text {
 public:
  constexpr uuid_text() noexcept {
    text_.fill('0');
    text_[8] = text_[13] = text_[18] = text_[23] = '-';
  }
  /// Accepts either case. @errors invalid
  static result<uuid_text> parse(std::string_view text);
  /// Version 4, from the system's random generator.
  static uuid_text random();

  std::string_view view() const noexcept { return {text_.data(), text_.size()}; }
  auto operator<=>(const uuid_text&) const noexcept = default;

 private:
  std::array<char, 36> text_;
};

/// A UUID that means one kind of thing.
template <class Kind>
class id {
 public:
  constexpr id() noexcept = default;
  /// @errors invalid, with a sentence that names the kind
  static result<id> parse(std::string_view text) {
    auto uuid = uuid_text::parse(text);
    if (!uuid) return error(disposition::invalid, std::string("This is not the id of ") + Kind::name + ".");
    return id(*uuid);
  }
  /// parse() of text that the database vouches for. @errors throws failure(invalid)
  static id of(std::string_view text) { return parse(text).value(); }
  static id make_random() { return id(uuid_text::random()); }

  std::string_view view() const noexcept { return uuid_.view(); }
  std::string str() const { return std::string(view()); }
  bool is_nil() const noexcept { return uuid_ == uuid_text(); }
  auto operator<=>(const id&) const noexcept = default;

 private:
  constexpr explicit id(uuid_text u) noexcept : uuid_(u) {}
  uuid_text uuid_;
};

struct account_kind {
  static constexpr const char* name = "an account";
};
struct project_kind {
  static constexpr const char* name = "a project";
};
using account_id = id<account_kind>;
using project_id = id<project_kind>;

}  // namespace atrium::domain

template <class Kind>
struct std::hash<atrium::domain::id<Kind>> {
  std::size_t operator()(const atrium::domain::id<Kind>& i) const noexcept {
    return std::hash<std::string_view>()(i.view());
  }
};
