/// @file columns.hpp - columns by name, as text: what rows of a query and tuples of a change stream have in common.
/// Layer: apps/store.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace atrium::store {

/// Text of a column; empty optional for NULL or a column that is not there. Valid during the call that it is passed to.
using column_source = std::function<std::optional<std::string_view>(std::string_view column)>;

/// What the publication carries (see migrations): the tables that live queries can watch.
inline constexpr std::string_view publication_name = "atrium_changes";

}  // namespace atrium::store
