// Scripts, and how a session comes back to rest: after a cancellation, and between two leases.
#include "session.hpp"
#include "session_metrics.hpp"

namespace atrium::pg {

rt::task<void> session::settle() {
  if (steps_.empty() && !script_running_ && !rolling_back_) co_return;
  std::exception_ptr failed;
  try {
    co_await drain();
    if (rolling_back_ && !idle_transaction()) {  // the ROLLBACK itself was hit by a cancellation
      send_aside("ROLLBACK");
      co_await drain();
      if (!idle_transaction()) wire_->lost();
    }
    rolling_back_ = false;
    co_return;
  } catch (...) {
    failed = std::current_exception();
  }
  if (!wire_->broken()) co_await rt::shield(stop_and_drain());
  std::rethrow_exception(failed);
}

rt::task<void> session::drain() {
  co_await wire_->flush();
  if (script_running_) {
    for (auto left = answer::kind::done; left != answer::kind::end;) {
      while (wire_->busy()) co_await wire_->receive();
      left = wire_->take().what;
      if (wire_->broken()) wire_->lost();
    }
    script_running_ = false;
  }
  co_await read_steps(0);
}

rt::task<void> session::stop_and_drain() {
  // Several rounds: the request may arrive before the statement does, and each one stops only one statement of a
  // pipeline.
  constexpr auto shortest = std::chrono::milliseconds(50), longest = std::chrono::milliseconds(1000);
  auto patience = shortest;
  for (int round = 0; round < 32 && !wire_->broken(); ++round) {
    const auto owed = steps_.size();
    numbers().cancels.add();
    if (!co_await wire_->request_cancel()) break;
    try {
      co_await rt::with_timeout(patience, drain());
      co_return;
    } catch (const failure& f) {
      if (f.disposition() != disposition::timed_out) wire_->give_up();
    }
    patience = steps_.size() < owed ? shortest : std::min(patience * 2, longest);
  }
  steps_.clear();
  wire_->give_up();
}

rt::task<void> session::run_script(std::string_view sql) {
  std::exception_ptr failed;
  try {
    co_await send_and_read_script(sql);
    co_return;
  } catch (...) {
    failed = std::current_exception();
  }
  if (script_running_ && !wire_->broken()) co_await rt::shield(stop_and_drain());
  std::rethrow_exception(failed);
}

rt::task<void> session::send_and_read_script(std::string_view sql) {
  numbers().statements.add();
  script_running_ = true;
  // A failed statement ends the script; its answers have then been read to the end.
  std::optional<error> failed;
  try {
    co_await wire_->script(std::string(sql));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    failed = f.error();
  }
  script_running_ = false;
  if (!failed) co_return;
  numbers().failures.add();
  throw failure(*failed);
}

bool session::recycle() noexcept {
  if (wire_->broken() || in_use_ || script_running_ || !steps_.empty()) return false;
  const auto status = wire_->transaction();
  if (status == transaction_status::idle) return true;
  if (status == transaction_status::unknown) return false;
  try {
    rolling_back_ = true;
    send_aside("ROLLBACK");
    return wire_->try_flush();  // so few bytes always fit into an idle connection's socket
  } catch (...) {
    return false;
  }
}

}  // namespace atrium::pg
