/// @file connection.hpp - PostgreSQL on libpq's asynchronous API. Layer: pg.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/rt/scope.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::pg {

/// One parameter of a statement, in text format; null when empty. Strings, string views, integers, doubles, booleans,
/// optionals of these, and json{} convert; the server infers the type (add a cast in SQL where it cannot).
class parameter {
 public:
  parameter(std::nullopt_t) noexcept {}
  parameter(std::nullptr_t) noexcept {}
  parameter(std::string text) : text_(std::move(text)) {}
  parameter(std::string_view text) : text_(std::string(text)) {}
  parameter(const char* text) : text_(std::string(text)) {}
  parameter(bool b) : text_(b ? "t" : "f") {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  parameter(I i) : text_(std::to_string(i)) {}
  parameter(double d);
  template <class T>
  parameter(const std::optional<T>& o) {
    if (o) *this = parameter(*o);
  }
  const std::optional<std::string>& text() const noexcept { return text_; }

 private:
  std::optional<std::string> text_;
};

/// '{"a","b"}' for a text[] or uuid[] parameter.
parameter array(std::span<const std::string> items);

/// Rows of one statement; a value, independent of the connection.
class rows {
 public:
  class row;
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  std::uint64_t affected() const noexcept;  ///< rows that INSERT, UPDATE, DELETE or MERGE touched
  row operator[](std::size_t) const;
  row one() const;                    ///< @errors failure(not_found) unless exactly one row
  std::optional<row> maybe() const;   ///< first row, if any

  class iterator;
  iterator begin() const;
  iterator end() const;

  struct impl;
  explicit rows(std::shared_ptr<const impl> i) : impl_(std::move(i)) {}
  rows() = default;

 private:
  std::shared_ptr<const impl> impl_;
};

/// A row. Columns by position or name; T: std::string, std::string_view (valid while `rows` lives), bool, integers,
/// double, std::optional of these (NULL). @errors failure(failed) for an unexpected NULL or text that is no such T
class rows::row {
 public:
  template <class T>
  T get(std::size_t column) const;
  template <class T>
  T get(std::string_view column) const;
  bool is_null(std::string_view column) const;

  row(std::shared_ptr<const impl> i, std::size_t index) : impl_(std::move(i)), index_(index) {}

 private:
  std::optional<std::string_view> raw(std::size_t column) const;
  std::size_t position(std::string_view column) const;
  std::shared_ptr<const impl> impl_;
  std::size_t index_;
};

using parameters = std::vector<parameter>;

/// One session. One task at a time uses it (the pool lends it); statements are prepared once and kept by their text.
/// @errors failure with code "pg.<SQLSTATE>": conflict (unique, serialization, deadlock), invalid (syntax, constraint,
///   bad text), denied, overloaded (too many connections, disk full), timed_out, disconnected; server text is peer text.
/// @cancel a cancel request goes to the server, the answer is drained, the connection stays usable.
class connection {
 public:
  /// `conninfo` as of libpq: URI or key=value.
  static rt::task<std::unique_ptr<connection>> connect(std::string conninfo);
  virtual ~connection() = default;

  virtual rt::task<rows> query(std::string_view sql, parameters = {}) = 0;
  /// Several statements without parameters (migrations).
  virtual rt::task<void> script(std::string_view sql) = 0;
  /// Sends all statements in one pipeline, each its own implicit transaction: one failing does not touch the others.
  /// Results stand in order; a failed one throws when its rows are taken (see outcome).
  struct statement { std::string sql; pg::parameters parameters; };
  struct outcome {
    std::optional<pg::rows> rows;
    std::optional<atrium::error> error;
    pg::rows take() { if (error) throw failure(*error); return std::move(*rows); }
  };
  virtual rt::task<std::vector<outcome>> pipeline(std::vector<statement>) = 0;
  virtual bool usable() const noexcept = 0;
};

}  // namespace atrium::pg
