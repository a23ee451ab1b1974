/// @file wire.hpp - one libpq connection driven by the loop: what sessions, listeners and change readers share. Layer:
/// pg.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "atrium/rt/scope.hpp"

namespace atrium::pg {

struct result_deleter {
  void operator()(PGresult* r) const noexcept { PQclear(r); }
};
using result_ptr = std::unique_ptr<PGresult, result_deleter>;

/// The error that a result with PGRES_FATAL_ERROR (or an unexpected status) stands for.
error result_error(const PGresult*, std::source_location where = std::source_location::current());

class wire {
 public:
  using settings = std::vector<std::pair<std::string, std::string>>;

  /// `overrides` win over what `conninfo` says. @errors see connection::connect
  static rt::task<std::unique_ptr<wire>> connect(std::string conninfo, settings overrides, rt::duration limit);
  ~wire();
  wire(const wire&) = delete;

  PGconn* get() const noexcept { return connection_; }
  bool broken() const noexcept { return broken_; }
  /// Nothing good can come from this connection any more.
  void give_up() noexcept;

  /// Sends what libpq has queued; takes in what arrives meanwhile, so that neither side blocks the other.
  rt::task<void> flush();
  /// Waits for input and hands it to libpq. @errors disconnected
  rt::task<void> receive();
  /// The next result; null at the end of a statement (see PQgetResult).
  rt::task<result_ptr> next_result();
  /// Runs `sql` by the simple protocol; the last result. Not in pipeline mode. @errors of the first failed statement
  rt::task<result_ptr> simple_query(std::string sql);
  /// Asks the server to cancel what this session runs now. The answer of the server says nothing; failures are ignored.
  /// False when it did not take the request within two seconds: it may still arrive, so nothing else may run here.
  rt::task<bool> request_cancel();
  /// Takes in input that is already there, without waiting. False when the connection is dead.
  bool poll_input() noexcept;

  [[noreturn]] void lost(std::source_location where = std::source_location::current());

 private:
  explicit wire(PGconn* c) noexcept : connection_(c) {}
  static rt::task<std::unique_ptr<wire>> handshake(settings all);
  static void on_notice(void* self, const PGresult*);
  PGconn* connection_;
  int fd_ = -1;
  bool broken_ = false;
};

/// `text` as an SQL identifier, in double quotes.
std::string quote_identifier(std::string_view text);

}  // namespace atrium::pg
