/// @file change_set.hpp - a set of changes to a document, in the JSON form of CodeMirror 6. Layer: app project.
/// I/O-free.
///
/// JSON: an array of sections that covers the old document from start to end: `n` keeps n units, `[n]` deletes n,
/// `[n, "line", ...]` replaces n units by the lines joined with "\n". All lengths are in UTF-16 units.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium::project {

/// A value. Built whole; never changed afterwards.
class change_set {
 public:
  struct section {
    std::size_t length = 0;  ///< of the old document
    bool keeps = true;
    std::u16string text;  ///< what takes the place of `length` units when !keeps
    bool operator==(const section&) const = default;
  };

  /// The empty change of an empty document.
  change_set() = default;
  /// Changes nothing in a document of `length` units.
  static change_set none(std::size_t length);
  /// Replaces [from, to) of a document of `length` units.
  static change_set replacing(std::size_t length, std::size_t from, std::size_t to, std::u16string text);
  /// @errors invalid: not that form, a negative or fractional number, a line with a line break in it
  static result<change_set> parse(const boost::json::value& json);
  void append_json(std::string& out) const;

  std::size_t old_length() const noexcept { return old_length_; }
  std::size_t new_length() const noexcept { return new_length_; }
  /// True when it changes nothing.
  bool empty() const noexcept;
  /// Units inserted and deleted.
  std::size_t weight() const noexcept;
  const std::vector<section>& sections() const noexcept { return sections_; }
  bool operator==(const change_set&) const = default;

  /// Changes `document`, whose size must be old_length() (asserted: check before).
  void apply(std::u16string& document) const;
  /// This, then `next` (whose old length is our new length), as one change set.
  change_set compose(const change_set& next) const;
  /// This change set as it reads after `other`, made to the same document, was applied first. Where both insert at one
  /// place, ours comes after the other's, or before it with `before`; so that for any a and b
  /// a.compose(b.map(a)) and b.compose(a.map(b, true)) give the same document.
  change_set map(const change_set& other, bool before = false) const;

  /// Puts sections together; neighbours of one kind become one.
  class builder {
   public:
    builder& keep(std::size_t length);
    builder& remove(std::size_t length);
    builder& insert(std::u16string_view text);
    change_set done() &&;

   private:
    section& replacement();
    std::vector<section> sections_;
  };
  /// Takes sections as they are.
  static change_set of(std::vector<section> sections);

 private:
  std::vector<section> sections_;
  std::size_t old_length_ = 0, new_length_ = 0;
};

}  // namespace atrium::project
