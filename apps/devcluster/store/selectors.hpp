/// @file selectors.hpp - label and field selectors. Layer: apps/devcluster, I/O-free.
#pragma once

#include <string>
#include <vector>

#include "apps/devcluster/store/kinds.hpp"
#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// "a=b,c!=d,e in (x,y),f notin (z),g,!h". Requirements are joined by and.
class label_selector {
 public:
  /// @errors BadRequest with what is wrong
  static result<label_selector> parse(std::string_view text);
  bool matches(const json::object& labels) const;
  bool everything() const noexcept { return requirements_.empty(); }

 private:
  enum class verb : std::uint8_t { in, not_in, exists, absent, greater, less };
  struct requirement {
    std::string key;
    verb what;
    std::vector<std::string> values;
  };
  std::vector<requirement> requirements_;
};

/// "metadata.name=x,status.phase!=Running": only the fields that the kind lists.
class field_selector {
 public:
  static result<field_selector> parse(std::string_view text, const resource_type& type);
  bool matches(const json::value& object) const;
  bool everything() const noexcept { return requirements_.empty(); }

 private:
  struct requirement {
    std::vector<std::string> path;
    std::string value;
    bool equal;
  };
  std::vector<requirement> requirements_;
};

struct selector {
  label_selector labels;
  field_selector fields;
  bool matches(const json::value& object) const;
};

}  // namespace atrium::devcluster
