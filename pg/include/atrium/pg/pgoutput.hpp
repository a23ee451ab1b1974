/// @file pgoutput.hpp - decoder of PostgreSQL's logical replication messages (pgoutput, protocol version 1). Layer: pg.
/// I/O-free: bytes in, values out. Documentation: PostgreSQL 15, "Logical Replication Message Formats".
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium::pg {

using lsn = std::uint64_t;  ///< a place in the write-ahead log
std::string to_text(lsn);   ///< "16/B374D848"

using wall_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// A table as the stream describes it.
struct relation {
  struct column {
    std::string name;
    bool key = false;  ///< part of the replica identity
    std::uint32_t type = 0;
  };
  std::uint32_t id = 0;
  std::string schema, name;
  std::vector<column> columns;
};

/// One column's value, in text format.
struct column_value {
  std::optional<std::string> text;  ///< nullopt: NULL, or unchanged
  bool unchanged = false;           ///< a large (TOAST) value that this update did not touch: it is not in the stream
  bool operator==(const column_value&) const = default;
};

/// One row that was inserted, updated or deleted, or one table that was emptied.
struct change {
  enum class operation : std::uint8_t { insert, update, remove, truncate };
  operation op = operation::insert;
  std::shared_ptr<const relation> table;
  std::vector<column_value> row;  ///< the new row; empty for remove and truncate
  /// The row before: with the default replica identity only its key columns (others NULL), and for an update only when
  /// the key changed; with REPLICA IDENTITY FULL all. Else empty.
  std::vector<column_value> old_row;

  /// Value of that column in the new row, for a removed row in the old one; null when there is no such column.
  const column_value* find(std::string_view column) const noexcept;
};

namespace pgoutput {

struct begin {
  lsn final_lsn = 0;
  wall_time commit_time{};
  std::uint32_t transaction = 0;
};
struct commit {
  lsn commit_lsn = 0, end_lsn = 0;
  wall_time commit_time{};
};
/// Something that carries no row: origin, type, relation (kept by the decoder), logical message.
struct other {
  char kind = 0;
};
using message =
    std::variant<other, begin, commit, change, std::vector<change>>;  ///< a TRUNCATE may name several tables

/// Keeps the descriptions of tables that later messages refer to: one decoder a replication session.
class decoder {
 public:
  /// @errors invalid: truncated, trailing bytes, lengths beyond the message, unknown tables or kinds. Never reads past
  /// `bytes` and never allocates more than a small multiple of them.
  result<message> decode(std::span<const std::byte> bytes);

 private:
  std::map<std::uint32_t, std::shared_ptr<const relation>> relations_;
};

}  // namespace pgoutput
}  // namespace atrium::pg
