// The way of a session to the simulated server, with the manners of libpq: it keeps what it has not sent, never loses
// its place when a wait is cancelled, and knows a server that said farewell.
#include "pg/src/errors.hpp"
#include "tests/sim/fake_postgres.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

error error_of_state(const std::string& state) {
  return state == "0A000" ? pg::stale_plan("stale") : pg::server_error(state, "said the simulated server");
}

/// One row, one column.
struct one_cell final : pg::rows::impl {
  explicit one_cell(std::string t) : text(std::move(t)) {}
  std::string text;
  std::size_t size() const noexcept override { return 1; }
  std::uint64_t affected() const noexcept override { return 1; }
  std::size_t columns() const noexcept override { return 1; }
  std::string_view column_name(std::size_t) const noexcept override { return "id"; }
  std::optional<std::string_view> cell(std::size_t, std::size_t) const noexcept override { return text; }
};

rt::task<void> wait_one(rt::scope& both, int fd, bool for_input) {
  if (for_input) co_await rt::readable(fd);
  else co_await rt::writable(fd);
  both.cancel(rt::cancel_reason::requested);
}

class way final : public pg::transport {
 public:
  way(rt::endpoint to, way_count& count) : to_(std::move(to)), count_(count) {
    count_.most = std::max(count_.most, ++count_.now);
  }
  ~way() override { --count_.now; }

  rt::task<void> connect() {
    std::optional<error> failed;
    try {
      socket_ = co_await rt::socket::connect(to_);
      out_ = pg_message::pack('U', "");
      co_await flush();
      while (busy()) co_await receive();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      failed = pg::connect_error(f.error().describe());
    }
    if (failed) throw failure(*failed);
    const auto first = std::move(arrived_.front());
    arrived_.pop_front();
    if (first.what == 'E') throw failure(error_of_state(first.text));
    pid_ = std::atoi(first.text.c_str());
  }

  void send_prepare(const std::string& name, const std::string& sql) override { send('P', name + '\0' + sql); }
  void send_execute(const std::string& name, const pg::parameters& all) override {
    send('B', name + '\0' + (all.empty() ? "" : all[0].text().value_or("")));
  }
  void send_once(const std::string& sql) override { send('O', sql); }
  void send_sync() override {
    send('S', "");
    ++owed_;
  }

  rt::task<void> flush() override {
    while (!try_flush()) {
      if (broken_) lost();
      co_await rt::with_scope([fd = socket_.fd()](rt::scope& both) -> rt::task<void> {
        both.spawn(wait_one(both, fd, true), "readable");
        both.spawn(wait_one(both, fd, false), "writable");
        co_await both.join();
      });
      if (!pull()) lost();
    }
  }
  bool try_flush() noexcept override {
    while (!out_.empty()) {
      const iovec all{out_.data(), out_.size()};
      const auto n = socket_.try_send({&all, 1});
      if (n == 0) return false;
      out_.erase(0, n);
    }
    return true;
  }

  bool busy() override { return arrived_.empty() && !broken_; }
  rt::task<void> receive() override {
    co_await rt::readable(socket_.fd());
    if (!pull()) lost();
  }
  pg::answer take() override {
    using kind = pg::answer::kind;
    if (arrived_.empty()) lost();
    const auto m = std::move(arrived_.front());
    arrived_.pop_front();
    pg::answer a;
    if (m.what == 's') {
      a.what = kind::sync;
      status_ = m.text[0];
      --owed_;
    } else if (m.what == 'd') {
      a.what = kind::done;
      a.rolled_back = m.text[0] == 'R';
      a.rows = std::make_shared<const one_cell>(m.text.substr(1));
    } else if (m.what == 'a') {
      a.what = kind::aborted;
    } else if (m.what == 'f') {
      a.what = kind::failed;
      a.problem = error_of_state(m.text);
    } else if (!m.text.empty()) {
      status_ = m.text[0];
    }
    return a;
  }

  rt::task<void> script(std::string sql) override {
    send('Q', sql);
    co_await flush();
    std::optional<error> failed;
    for (;;) {
      while (busy()) co_await receive();
      auto a = take();
      if (a.what == pg::answer::kind::end) break;
      if (a.problem) failed = std::move(a.problem);
    }
    if (failed) throw failure(*failed);
  }

  rt::task<bool> request_cancel() override {
    try {
      co_await rt::with_timeout(2s, ask_to_cancel());
      co_return true;
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
    }
    co_return false;
  }
  bool poll_input() noexcept override { return pull(); }

  pg::transaction_status transaction() const noexcept override {
    if (owed_ > 0) return pg::transaction_status::unknown;
    return status_ == 'I'   ? pg::transaction_status::idle
           : status_ == 'T' ? pg::transaction_status::open
                            : pg::transaction_status::failed;
  }
  int backend_pid() const noexcept override { return pid_; }
  bool broken() const noexcept override { return broken_; }
  void give_up() noexcept override { broken_ = true; }
  [[noreturn]] void lost(std::source_location where = std::source_location::current()) override {
    give_up();
    throw failure(pg::lost_connection("the simulated server has gone", where));
  }

 private:
  void send(char what, std::string_view text) {
    if (broken_) lost();
    out_ += pg_message::pack(what, text);
  }
  /// Takes what is there. False when the connection is dead.
  bool pull() noexcept {
    char bytes[300];
    for (;;) {
      rt::detail::count_op once(rt::detail::io_kind::recv, socket_.fd(), bytes, sizeof bytes, 0, "recv");
      const long n = broken_ ? 0 : once.attempt();
      if (n == -EAGAIN) return true;
      if (n <= 0) break;
      in_.append(bytes, static_cast<std::size_t>(n));
      while (auto m = pg_message::take(in_)) arrived_.push_back(std::move(*m));
    }
    give_up();
    return false;
  }
  rt::task<void> ask_to_cancel() {
    auto other = co_await rt::socket::connect(to_);
    co_await other.send_all(rt::as_bytes(pg_message::pack('K', std::to_string(pid_))));
    std::byte nothing[1];
    co_await other.recv_some(nothing);  // the end: the request was taken
  }

  rt::endpoint to_;
  way_count& count_;
  rt::socket socket_;
  std::string out_, in_;
  std::deque<pg_message> arrived_;
  char status_ = 'I';
  int owed_ = 0, pid_ = 0;
  bool broken_ = false;
};

rt::task<std::unique_ptr<pg::transport>> make_way(rt::endpoint to, way_count& count, rt::duration limit) {
  auto w = std::make_unique<way>(std::move(to), count);
  co_await rt::with_timeout(limit, w->connect());
  co_return w;
}

}  // namespace

pg::connector fake_way(rt::endpoint to, way_count& count) {
  return [to = std::move(to), &count](std::string, rt::duration limit) { return make_way(to, count, limit); };
}

}  // namespace atrium::tests
