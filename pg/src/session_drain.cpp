// Scripts, and how a session comes back to rest: after a cancellation, and between two leases.
#include "session.hpp"
#include "session_metrics.hpp"

namespace atrium::pg {

rt::task<void> session::settle() {
  if (steps_.empty() && !script_running_) co_return;
  std::exception_ptr failed;
  try {
    co_await drain();
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
    while (co_await wire_->next_result()) {
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
  if (PQpipelineStatus(wire_->get()) != PQ_PIPELINE_OFF && !PQexitPipelineMode(wire_->get())) wire_->lost();
  numbers().statements.add();
  script_running_ = true;
  // A failed statement ends the script; simple_query has then read to the end of the answers.
  std::optional<error> failed;
  try {
    co_await wire_->simple_query(std::string(sql));
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
  switch (PQtransactionStatus(wire_->get())) {
    case PQTRANS_IDLE:
      return true;
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
      break;
    default:
      return false;
  }
  try {
    static const pg::parameters none;
    send({"ROLLBACK", &none, nullptr});
    return PQflush(wire_->get()) == 0;  // so few bytes always fit into an idle connection's socket
  } catch (...) {
    return false;
  }
}

}  // namespace atrium::pg
