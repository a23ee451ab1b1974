/// @file snapshot.hpp - which transactions a read had seen: joins what was read with the change stream. Layer: pg.
///
/// Take a snapshot, then read; a change whose transaction the snapshot sees is part of what was read. (Taken before the
/// read, it sees no transaction that the read does not see.)
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "atrium/base/result.hpp"

namespace atrium::pg {

/// A value, I/O-free. Transaction ids are those of the change stream: 32 bits, compared around the circle.
class snapshot {
 public:
  /// Sees nothing.
  snapshot() = default;
  /// Text of pg_current_snapshot(): "xmin:xmax:xip,xip". @errors invalid
  static result<snapshot> parse(std::string_view text);
  /// The statement that gives that text.
  static constexpr std::string_view query = "SELECT pg_current_snapshot()::text";

  /// Whether that transaction had committed when the snapshot was taken. Only for transactions of the stream, which
  /// have committed at some time. Good for two thousand million transactions.
  bool sees(std::uint32_t transaction) const noexcept;

 private:
  bool valid_ = false;
  std::uint32_t end_ = 0;               // the first id that was not given out yet
  std::vector<std::uint32_t> running_;  // sorted
};

}  // namespace atrium::pg
