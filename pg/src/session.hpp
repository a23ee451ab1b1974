/// @file session.hpp - a connection for statements over any transport: prepared once, pipelined, one sync a statement;
/// deadlines, cancellation, and what may be repeated. Layer: pg.
#pragma once

#include <deque>

#include "atrium/pg/transport.hpp"
#include "statements.hpp"

namespace atrium::pg {

class session final : public connection {
 public:
  static rt::task<std::unique_ptr<session>> open(const connector&, std::string conninfo, connection_options);
  session(std::unique_ptr<transport> w, connection_options options);

  rt::task<rows> query(std::string_view sql, parameters) override;
  rt::task<void> script(std::string_view sql) override;
  rt::task<std::vector<outcome>> pipeline(std::vector<statement>) override;
  bool usable() const noexcept override { return !wire_->broken(); }
  int backend_pid() const noexcept override { return wire_->backend_pid(); }

  /// For the pool, without waiting. After a lease: sends ROLLBACK where a transaction is open (its answer is taken by
  /// the next statement). False when the session is of no more use.
  bool recycle() noexcept;
  /// Before a lease: notices that the server has gone.
  bool alive() noexcept { return wire_->poll_input(); }

 private:
  struct job {
    std::string_view sql;
    const pg::parameters* parameters;
    outcome* out;  ///< null: nobody cares any more
  };
  /// What the server owes us, in order.
  struct step {
    enum class kind : std::uint8_t { prepare, execute, aside, sync } what;
    outcome* out = nullptr;  ///< of execute and of its sync: nothing is certain before that is answered
    std::shared_ptr<prepared> statement;
    std::string text;            ///< SQL of prepare and execute
    bool commit_failed = false;  ///< of sync: an error came, its end and the sync are still to come
  };
  class use;

  rt::task<void> run(std::vector<job> jobs);
  rt::task<void> exchange(const std::vector<job>& jobs);
  rt::task<void> run_script(std::string_view sql);
  rt::task<void> send_and_read_script(std::string_view sql);
  rt::task<void> limited(rt::task<void> body);
  void send(const job&);
  void send_aside(const std::string& sql);
  void send_sync(outcome* out = nullptr);
  rt::task<void> read_steps(std::size_t until);
  void take(step&, answer&);
  void take_execute(step&, answer&);
  void fail_step(step&, error);
  rt::task<void> settle();
  rt::task<void> stop_and_drain();
  rt::task<void> drain();
  bool idle_transaction() const noexcept { return wire_->transaction() == transaction_status::idle; }

  std::unique_ptr<transport> wire_;
  connection_options options_;
  statement_cache cache_;
  std::deque<step> steps_;
  bool script_running_ = false;
  bool rolling_back_ = false;  ///< a lease left a transaction open: the next one starts when it is gone
  bool in_use_ = false;
};

}  // namespace atrium::pg
