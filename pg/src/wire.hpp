/// @file wire.hpp - one libpq connection driven by the loop: what sessions, listeners and change readers share. Layer:
/// pg.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "atrium/pg/transport.hpp"

namespace atrium::pg {

struct result_deleter {
  void operator()(PGresult* r) const noexcept { PQclear(r); }
};
using result_ptr = std::unique_ptr<PGresult, result_deleter>;

/// The error that a result with PGRES_FATAL_ERROR (or an unexpected status) stands for.
error result_error(const PGresult*, std::source_location where = std::source_location::current());

class wire final : public transport {
 public:
  using settings = std::vector<std::pair<std::string, std::string>>;

  /// `overrides` win over what `conninfo` says. @errors see connection::connect
  static rt::task<std::unique_ptr<wire>> connect(std::string conninfo, settings overrides, rt::duration limit);
  ~wire() override;
  wire(const wire&) = delete;

  PGconn* get() const noexcept { return connection_; }

  /// The next result; null at the end of a statement (see PQgetResult).
  rt::task<result_ptr> next_result();
  /// Runs `sql` by the simple protocol; the last result. Not in pipeline mode. @errors of the first failed statement
  rt::task<result_ptr> simple_query(std::string sql);

  // Statements run in libpq's pipeline mode, scripts outside of it.
  void send_prepare(const std::string& name, const std::string& sql) override;
  void send_execute(const std::string& name, const parameters&) override;
  void send_once(const std::string& sql) override;
  void send_sync() override;
  rt::task<void> flush() override;
  bool try_flush() noexcept override { return PQflush(connection_) == 0; }
  bool busy() override { return PQisBusy(connection_) != 0; }
  rt::task<void> receive() override;
  answer take() override;
  rt::task<void> script(std::string sql) override;
  /// Libpq's request gets two seconds.
  rt::task<bool> request_cancel() override;
  bool poll_input() noexcept override;
  transaction_status transaction() const noexcept override;
  int backend_pid() const noexcept override { return PQbackendPID(connection_); }
  bool broken() const noexcept override { return broken_; }
  void give_up() noexcept override;
  [[noreturn]] void lost(std::source_location where = std::source_location::current()) override;

 private:
  explicit wire(PGconn* c) noexcept : connection_(c) {}
  static rt::task<std::unique_ptr<wire>> handshake(settings all);
  static void on_notice(void* self, const PGresult*);
  void enter_pipeline();
  result_ptr take_result();
  PGconn* connection_;
  int fd_ = -1;
  bool broken_ = false;
};

/// `text` as an SQL identifier, in double quotes.
std::string quote_identifier(std::string_view text);

}  // namespace atrium::pg
