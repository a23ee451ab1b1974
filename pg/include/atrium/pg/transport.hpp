/// @file transport.hpp - what a session needs of the way to the server: libpq is one, a simulated server another.
/// Layer: pg. For those who bring a way of their own; everybody else uses pool and connection.
///
/// Statements are queued, sent by flush() and answered in order, one group of answers up to each sync.
#pragma once

#include <functional>

#include "atrium/pg/connection.hpp"

namespace atrium::pg {

/// The rows of one statement, as the transport keeps them.
struct rows::impl {
  virtual ~impl() = default;
  virtual std::size_t size() const noexcept = 0;
  virtual std::uint64_t affected() const noexcept = 0;
  virtual std::size_t columns() const noexcept = 0;
  virtual std::string_view column_name(std::size_t column) const noexcept = 0;  ///< empty when there is none
  virtual std::optional<std::string_view> cell(std::size_t row, std::size_t column) const noexcept = 0;
};

struct answer {
  enum class kind : std::uint8_t {
    end,          ///< of the answers to one statement
    sync,         ///< of a group
    done,         ///< a statement succeeded
    aborted,      ///< not run: an earlier statement of the group failed
    failed,       ///< `problem` says why
    unsupported,  ///< COPY and the like: the session is lost
  } what = kind::end;
  bool rolled_back = false;  ///< of done: what ran was ROLLBACK, whatever was asked for
  std::shared_ptr<const rows::impl> rows;
  std::optional<error> problem;
};

enum class transaction_status : std::uint8_t { idle, open, failed, unknown };

/// One task at a time uses it. @thread the loop's on which it was made
/// @errors disconnected, after which broken() holds
class transport {
 public:
  virtual ~transport() = default;

  virtual void send_prepare(const std::string& name, const std::string& sql) = 0;
  virtual void send_execute(const std::string& name, const parameters&) = 0;
  virtual void send_once(const std::string& sql) = 0;  ///< without parameters and without preparing it
  virtual void send_sync() = 0;
  /// Sends what is queued; takes in what arrives meanwhile, so that neither side blocks the other.
  virtual rt::task<void> flush() = 0;
  /// Sends what is queued without waiting; false when not all went.
  virtual bool try_flush() noexcept = 0;

  /// False when take() would give an answer at once.
  virtual bool busy() = 0;
  virtual rt::task<void> receive() = 0;  ///< some input
  virtual answer take() = 0;

  /// Runs several statements by the simple protocol. @errors of the first one that failed
  /// @cancel the answers up to an `end` are still to be taken
  virtual rt::task<void> script(std::string sql) = 0;

  /// Asks the server to cancel what this session runs now; whether anything was cancelled, its answers tell.
  /// False when the server did not take the request in time: it may still arrive, so nothing else may run here.
  virtual rt::task<bool> request_cancel() = 0;
  /// Takes in input that is already there, without waiting. False when the connection is dead.
  virtual bool poll_input() noexcept = 0;

  virtual transaction_status transaction() const noexcept = 0;
  virtual int backend_pid() const noexcept = 0;
  virtual bool broken() const noexcept = 0;
  /// Nothing good can come from this connection any more.
  virtual void give_up() noexcept = 0;
  /// Gives up and throws disconnected.
  [[noreturn]] virtual void lost(std::source_location where = std::source_location::current()) = 0;
};

/// Makes a connection within the limit. @errors see connection::connect
using connector = std::function<rt::task<std::unique_ptr<transport>>(std::string conninfo, rt::duration limit)>;

/// The one that pools and connections use.
rt::task<std::unique_ptr<transport>> connect_libpq(std::string conninfo, rt::duration limit);

}  // namespace atrium::pg
