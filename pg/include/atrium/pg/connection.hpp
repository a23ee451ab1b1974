/// @file connection.hpp - PostgreSQL on libpq's asynchronous API. Layer: pg.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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

/// Rows of one statement; a value, independent of the connection. Cheap to copy.
class rows {
 public:
  class row;
  class iterator;

  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  std::uint64_t affected() const noexcept;  ///< rows that INSERT, UPDATE, DELETE or MERGE touched
  std::size_t columns() const noexcept;
  std::string_view column_name(std::size_t column) const noexcept;
  row operator[](std::size_t) const;
  row one() const;                   ///< @errors failure(not_found) unless exactly one row
  std::optional<row> maybe() const;  ///< first row, if any
  iterator begin() const;
  iterator end() const;

  struct impl;
  explicit rows(std::shared_ptr<const impl> i) : impl_(std::move(i)) {}
  rows() = default;

 private:
  std::shared_ptr<const impl> impl_;
};

namespace detail {
[[noreturn]] void throw_unexpected_null(std::string_view column);
[[noreturn]] void throw_bad_text(std::string_view column, std::string_view type);

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

bool text_to_bool(std::string_view text, std::string_view column);
double text_to_double(std::string_view text, std::string_view column);

template <class T>
T from_text(std::string_view text, std::string_view column) {
  if constexpr (std::same_as<T, std::string_view>) {
    return text;
  } else if constexpr (std::same_as<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::same_as<T, bool>) {
    return text_to_bool(text, column);
  } else if constexpr (std::floating_point<T>) {
    return static_cast<T>(text_to_double(text, column));
  } else {
    static_assert(std::integral<T>, "a column is read as text, bool, a number, or an optional of these");
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) throw_bad_text(column, "integer");
    return value;
  }
}
}  // namespace detail

/// A row. Columns by position or name; T: std::string, std::string_view (valid while a copy of `rows` or of this row
/// lives), bool, integers, double, std::optional of these (NULL).
/// @errors failure(failed) for an unexpected NULL or text that is no such T. A column that is not there is a bug of
/// ours.
class rows::row {
 public:
  template <class T>
  T get(std::size_t column) const {
    const auto text = raw(column);
    if constexpr (detail::is_optional<T>::value) {
      if (!text) return std::nullopt;
      return detail::from_text<typename T::value_type>(*text, name_of(column));
    } else {
      if (!text) detail::throw_unexpected_null(name_of(column));
      return detail::from_text<T>(*text, name_of(column));
    }
  }
  template <class T>
  T get(std::string_view column) const {
    return get<T>(position(column));
  }
  bool is_null(std::size_t column) const { return !raw(column); }
  bool is_null(std::string_view column) const { return !raw(position(column)); }

  row(std::shared_ptr<const impl> i, std::size_t index) : impl_(std::move(i)), index_(index) {}

 private:
  std::optional<std::string_view> raw(std::size_t column) const;
  std::size_t position(std::string_view column) const;
  std::string_view name_of(std::size_t column) const noexcept;
  std::shared_ptr<const impl> impl_;
  std::size_t index_;
};

class rows::iterator {
 public:
  using value_type = row;
  using difference_type = std::ptrdiff_t;
  iterator(std::shared_ptr<const impl> i, std::size_t index) : impl_(std::move(i)), index_(index) {}
  row operator*() const { return row(impl_, index_); }
  iterator& operator++() {
    ++index_;
    return *this;
  }
  bool operator==(const iterator& other) const noexcept { return index_ == other.index_; }

 private:
  std::shared_ptr<const impl> impl_;
  std::size_t index_;
};

using parameters = std::vector<parameter>;

/// Elements of a one-dimensional array in text form ('{"a",NULL,b}'), as a text[] or uuid[] column gives it.
/// @errors failure(failed) for malformed text or a nested array
std::vector<std::optional<std::string>> parse_array(std::string_view text);

/// True for failures after which the whole transaction may be run again: serialization failures, deadlocks, plans that
/// a migration made invalid.
bool worth_a_retry(const error&) noexcept;

struct connection_options {
  /// Deadline of each statement (0: none): then failure(timed_out), cancelled on the server.
  rt::duration statement_limit{};
  rt::duration connect_limit = std::chrono::seconds(10);  ///< for connecting, all addresses together
  std::size_t prepared_statements = 256;                  ///< kept a session; the least recently used goes first
};

/// One session. One task at a time uses it (the pool lends it); statements are prepared once and kept by their text.
/// Text is UTF-8; time zone UTC, dates ISO.
/// @errors failure with code "pg.<SQLSTATE>": conflict (unique, serialization, deadlock), invalid (syntax, constraint,
///   bad text), denied, overloaded (too many connections, disk full), timed_out, disconnected; server text is peer
///   text.
/// @cancel a cancel request goes to the server, the answer is drained, the connection stays usable.
/// @thread the loop's on which it was made
class connection {
 public:
  /// `conninfo` as of libpq: URI or key=value. Host names are resolved without blocking the loop.
  /// @errors disconnected (nobody there, starting up), overloaded (too many connections), denied, not_found (no such
  ///   database), timed_out, invalid (conninfo)
  static rt::task<std::unique_ptr<connection>> connect(std::string conninfo, connection_options = {});
  virtual ~connection() = default;

  /// One statement. "COMMIT" of a transaction that had failed is an error here (the server would roll back quietly).
  virtual rt::task<rows> query(std::string_view sql, parameters = {}) = 0;
  /// Several statements without parameters (migrations).
  virtual rt::task<void> script(std::string_view sql) = 0;
  /// Sends all statements in one pipeline, each its own implicit transaction: one failing does not touch the others.
  /// Results stand in order; a failed one throws when its rows are taken (see outcome).
  struct statement {
    std::string sql;
    pg::parameters parameters;
  };
  struct outcome {
    std::optional<pg::rows> rows;
    std::optional<atrium::error> error;
    pg::rows take() {
      if (error) throw failure(*error);
      return std::move(*rows);
    }
  };
  virtual rt::task<std::vector<outcome>> pipeline(std::vector<statement>) = 0;
  /// False when the session is lost: get another.
  virtual bool usable() const noexcept = 0;
  /// Process id of the server's side, as in pg_stat_activity.
  virtual int backend_pid() const noexcept = 0;
};

}  // namespace atrium::pg
