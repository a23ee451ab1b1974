#include "apps/project/terminals/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::project {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_input = 1u << 20;
constexpr std::size_t frame_bytes = 64 * 1024;

metrics::counter& output_bytes() {
  static auto& c =
      metrics::get_counter("atrium_project_terminal_output_bytes_total", "Bytes that programs wrote to terminals");
  return c;
}

/// True when the interrupt character means SIGINT in the terminal's present mode (not so in an editor).
bool interrupts(int master) {
  termios t;
  return ::tcgetattr(master, &t) == 0 && (t.c_lflag & ISIG) && t.c_cc[VINTR] == 3;
}

/// What the terminal's driver does at an interrupt character: a signal, and waiting input is thrown away.
void interrupt(int master) {
  ::ioctl(master, TIOCSIG, SIGINT);
  const rt::unique_fd other_side(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (other_side) ::tcflush(other_side.get(), TCIFLUSH);
}

/// What else is there already: a terminal hands out at most a page at a time, which would make many small frames.
std::size_t read_more(int master, std::span<std::byte> into) {
  std::size_t n = 0;
  while (n < into.size()) {
    const auto got = ::read(master, into.data() + n, into.size() - n);
    if (got <= 0) break;  // nothing now, or the end, which the next wait finds
    n += static_cast<std::size_t>(got);
  }
  return n;
}

}  // namespace

terminal::terminal(std::string name, rt::pty_pair pty, rt::process child, terminal_size size)
    : name_(std::move(name)), master_(std::move(pty.master)), child_(std::move(child)), size_(size) {}

std::shared_ptr<terminal> terminal::start(const terminal_options& o) {
  auto pty = rt::open_pty(o.size.columns, o.size.rows);
  rt::process_options p;
  p.argv = o.argv;
  p.environment = o.environment;
  p.directory = o.directory;
  p.standard_input = p.standard_output = p.standard_error = pty.slave.get();
  p.new_session = p.controlling_terminal = true;
  auto child = rt::process::start(p);
  pty.slave.close();
  return std::shared_ptr<terminal>(new terminal(o.name, std::move(pty), std::move(child), o.size));
}

std::string terminal::viewers_json() const {
  return json_array(viewers_, [](const auto& v) { return v->who->json(); });
}

std::shared_ptr<terminal::viewer> terminal::view(peer& who, std::uint32_t channel, terminal_size size) {
  auto v = std::make_shared<viewer>();
  v->who = &who;
  v->channel = channel;
  v->size = size;
  restart_replay(*v);
  viewers_.push_back(v);
  apply_size();
  announce("terminal.viewers", "users", viewers_json());
  return v;
}

void terminal::restart_replay(viewer& v) noexcept {
  v.position = output_.begin();
  v.pending = output_.prefix();
}

void terminal::leave(viewer& v) noexcept {
  if (std::exchange(v.left, true)) return;
  std::erase_if(viewers_, [&](const auto& other) { return other.get() == &v; });
  v.changed.notify_all();
  may_read_.notify_all();
  apply_size();
  announce("terminal.viewers", "users", viewers_json());
}

void terminal::resize(viewer& v, terminal_size size) {
  v.size = size;
  apply_size();
}

/// The smallest viewer decides, so that nobody sees lines broken.
void terminal::apply_size() {
  if (viewers_.empty()) return;
  terminal_size smallest = viewers_.front()->size;
  for (const auto& v : viewers_) {
    smallest.columns = std::min(smallest.columns, v->size.columns);
    smallest.rows = std::min(smallest.rows, v->size.rows);
  }
  if (smallest == size_) return;
  size_ = smallest;
  rt::resize_pty(master_.get(), size_.columns, size_.rows);
  for (const auto& v : viewers_)
    v->who->push(json_object()
                     .text("event", "terminal.size")
                     .number("channel", v->channel)
                     .number("cols", size_.columns)
                     .number("rows", size_.rows)
                     .done());
}

void terminal::announce(const std::string& event, std::string_view key, const std::string& json) {
  for (const auto& v : viewers_)
    v->who->push(json_object().text("event", event).number("channel", v->channel).raw(key, json).done());
}

void terminal::acknowledge(viewer& v, std::uint64_t bytes) noexcept {
  v.acknowledged = std::max(v.acknowledged, std::min(bytes, v.sent));
  v.changed.notify_all();
  may_read_.notify_all();
}

void terminal::input(std::string_view bytes) {
  // What is queued here has not reached the terminal, so an interrupt behind it would wait for a program that reads
  // nothing. The kernel throws waiting input away at an interrupt; the same is done here.
  if (const auto at = bytes.rfind('\x03');
      at != std::string_view::npos && !input_.empty() && interrupts(master_.get())) {
    input_.clear();
    interrupt(master_.get());
    bytes.remove_prefix(at + 1);
  }
  if (input_.empty()) {  // the usual case: a key goes straight into the terminal
    const auto n = ::write(master_.get(), bytes.data(), bytes.size());
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    if (bytes.empty()) return;
  }
  if (input_.size() + bytes.size() > most_input)
    fail(disposition::overloaded, "The program in the terminal does not read its input. Wait, or interrupt it.");
  input_ += bytes;
  has_input_.notify_all();
}

void terminal::kill() noexcept {
  stop_ = true;
  child_.signal(SIGHUP, true);
  killed_.set();
  may_read_.notify_all();
}

bool terminal::may_read() const noexcept {
  if (stop_) return true;  // output of what is ending is taken in, credit or not
  for (const auto& v : viewers_) {
    if (v->detached) continue;
    const bool replaying = output_.end() - v->position > window;
    // A viewer that is still being shown the past is waited for only before the past is overwritten under it.
    if (replaying ? output_.end() - v->position > output_.limit() - window : v->unacknowledged() >= window)
      return false;
  }
  return true;
}

void terminal::wake_viewers() noexcept {
  for (const auto& v : viewers_) v->changed.notify_all();
}

rt::task<void> terminal::read_output() {
  std::vector<std::byte> buffer(frame_bytes);
  std::string title;
  for (;;) {
    while (!may_read()) co_await may_read_.wait();
    auto n = co_await rt::read_some(master_.get(), buffer);
    if (n == 0) break;
    n += read_more(master_.get(), std::span(buffer).subspan(n));
    output_bytes().add(n);
    output_.append(rt::as_text(std::span(buffer).first(n)));
    if (output_.title() != title) {
      title = output_.title();
      std::string json;
      append_json_string(json, title);
      announce("terminal.title", "title", json);
    }
    wake_viewers();
  }
  output_done_.set();
}

/// Waits, then writes in one step: so an interrupt finds everything that the terminal did not take in `input_`.
rt::task<void> terminal::write_input() {
  for (;;) {
    while (input_.empty()) co_await has_input_.wait();
    co_await rt::writable(master_.get());
    const auto n = ::write(master_.get(), input_.data(), std::min<std::size_t>(input_.size(), 4096));
    if (n > 0) input_.erase(0, static_cast<std::size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) co_return;  // the program has ended: nobody reads input any more
  }
}

rt::task<void> terminal::kill_late() {
  co_await killed_.wait();
  co_await rt::sleep_for(1s);
  child_.signal(SIGKILL, true);
}

rt::task<void> terminal::wait_for_end() {
  exit_code_ = (co_await child_.wait()).code;
  stop_ = true;
  may_read_.notify_all();
  // The rest of the output comes at once; a program in the background that keeps the terminal open does not count.
  co_await output_done_.wait_for(200ms);
}

rt::task<void> terminal::run() {
  const auto self = shared_from_this();
  rt::scope tasks(&co_await rt::this_task());
  tasks.spawn(write_input(), "terminal.input");
  tasks.spawn(read_output(), "terminal.output");
  tasks.spawn(kill_late(), "terminal.kill");
  std::exception_ptr failed;
  try {
    co_await wait_for_end();
  } catch (...) {
    failed = std::current_exception();
  }
  tasks.cancel(rt::cancel_reason::requested);
  try {
    co_await rt::shield(tasks.join());
  } catch (const failure& f) {
    log::debug("terminal ended", {{"terminal", name_}, {"error", f.error()}});
  }
  ended_ = true;
  wake_viewers();
  if (on_ended) on_ended();
  if (failed) std::rethrow_exception(failed);
}

rt::task<void> terminal::wait_for_credit(viewer& v) {
  if (v.detached) {
    co_await v.changed.wait();
    if (v.unacknowledged() < window) v.detached = false;
    co_return;
  }
  if (co_await v.changed.wait_for(patience)) co_return;
  v.detached = true;
  may_read_.notify_all();
}

rt::task<void> terminal::run_viewer(std::shared_ptr<viewer> v) {
  const auto self = shared_from_this();
  std::string frame;
  while (!v->left) {
    if (v->position < output_.begin()) {  // what it has not seen was overwritten while it stood still
      restart_replay(*v);
      v->who->push(json_object()
                       .text("event", "terminal.resync")
                       .number("channel", v->channel)
                       .number("replay", replay(*v))
                       .done());
    }
    if (v->pending.empty() && v->position == output_.end()) {
      if (ended_) break;
      co_await v->changed.wait();
      continue;
    }
    if (v->unacknowledged() >= window) {
      co_await wait_for_credit(*v);
      continue;
    }
    frame.assign(1, '\x01');
    for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(v->channel >> shift);
    if (!v->pending.empty()) {
      frame += std::exchange(v->pending, {});
    } else {
      frame += output_.read(v->position, std::min<std::size_t>(frame_bytes, window - v->unacknowledged()));
      v->position += frame.size() - 5;
    }
    v->sent += frame.size() - 5;
    co_await v->who->send_binary(rt::as_bytes(frame));
    may_read_.notify_all();
  }
  if (!v->left)
    v->who->push(
        json_object().text("event", "terminal.exit").number("channel", v->channel).number("code", exit_code_).done());
}

}  // namespace atrium::project
