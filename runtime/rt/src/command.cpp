#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

#include "atrium/rt/process.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::rt {
namespace {

task<void> collect(int fd, std::string& into, std::size_t limit, bool& truncated) {
  std::byte buffer[16384];
  while (const auto n = co_await read_some(fd, buffer)) {
    const auto fits = std::min(n, limit - into.size());
    into.append(as_text(std::span(buffer).first(fits)));
    truncated = truncated || fits < n;
  }
}

task<void> feed(unique_fd fd, const std::string& input) {
  try {
    co_await write_all(fd.get(), as_bytes(input));
  } catch (const failure& f) {
    if (f.disposition() != disposition::disconnected) throw;  // it need not read all of its input
  }
}

}  // namespace

task<command_output> run_command(process_options options, std::size_t limit, std::string input) {
  auto in = make_pipe(false, true), out = make_pipe(true, false), err = make_pipe(true, false);
  options.standard_input = in.read.get();
  options.standard_output = out.write.get();
  options.standard_error = err.write.get();
  options.new_session = true;  // a group of its own, so that all of it can be killed
  auto child = process::start(options);
  in.read.close();
  out.write.close();
  err.write.close();
  command_output result;
  scope s(&co_await this_task());
  s.spawn(feed(std::move(in.write), input), "command.input");
  s.spawn(collect(out.read.get(), result.standard_output, limit, result.truncated), "command.output");
  s.spawn(collect(err.read.get(), result.standard_error, limit, result.truncated), "command.errors");
  std::exception_ptr failed;
  try {
    co_await s.join();
    result.status = co_await child.wait();
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed) {
    child.signal(SIGKILL, true);
    std::rethrow_exception(failed);
  }
  co_return result;
}

namespace {
sigset_t mask_of(std::initializer_list<int> numbers) noexcept {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int n : numbers) sigaddset(&mask, n);
  return mask;
}
}  // namespace

signal_set::signal_set(std::initializer_list<int> numbers) {
  const auto mask = mask_of(numbers);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  fd_ = unique_fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw failure(system_error(errno, "signalfd"));
}

signal_set::~signal_set() =
    default;  // the signals stay blocked: unblocking here would let a pending one kill the process

task<int> signal_set::next() {
  signalfd_siginfo info{};
  co_await read_some(fd_.get(), std::as_writable_bytes(std::span(&info, 1)));
  co_return static_cast<int>(info.ssi_signo);
}

}  // namespace atrium::rt
