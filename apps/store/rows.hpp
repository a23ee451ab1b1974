/// @file rows.hpp - helpers that turn rows into columns and values of this layer. For .cpp files here. Layer:
/// apps/store.
#pragma once

#include <optional>
#include <string>

#include "apps/domain/ids.hpp"
#include "apps/domain/time.hpp"
#include "apps/store/columns.hpp"
#include "atrium/pg/connection.hpp"

namespace atrium::store {

/// Columns of a row; `row` must outlive the source and have every column that is asked for.
inline column_source columns_of(const pg::rows::row& row) {
  return [&row](std::string_view column) { return row.get<std::optional<std::string_view>>(column); };
}

inline std::string text_of(const column_source& column, std::string_view name, std::string_view otherwise = {}) {
  return std::string(column(name).value_or(otherwise));
}
inline bool flag_of(const column_source& column, std::string_view name) { return column(name) == "t"; }

inline std::optional<domain::timestamp> time_of(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  const auto time = domain::parse_timestamp(*text);
  return time ? std::optional(*time) : std::nullopt;
}

inline pg::parameter parameter_of(const std::optional<domain::timestamp>& time) {
  if (!time) return std::nullopt;
  return domain::to_iso8601(*time);
}
template <class Kind>
pg::parameter parameter_of(domain::id<Kind> id) {
  return id.view();
}
template <class Kind>
pg::parameter parameter_of(std::optional<domain::id<Kind>> id) {
  if (!id) return std::nullopt;
  return id->view();
}

/// The row is there already: callers say so in words of their own.
inline bool is_unique_violation(const failure& f) { return f.error().code() == "pg.23505"; }

}  // namespace atrium::store
