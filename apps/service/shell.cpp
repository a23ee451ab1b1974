#include "apps/service/shell.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <csignal>

#include "atrium/base/log.hpp"
#include "atrium/rt/process.hpp"

namespace atrium::service {

std::optional<int> inherited_descriptor(std::string_view address) noexcept {
  constexpr std::string_view prefix = "fd:";
  if (!address.starts_with(prefix)) return std::nullopt;
  int fd = -1;
  const auto *from = address.data() + prefix.size(), *to = address.data() + address.size();
  const auto [end, problem] = std::from_chars(from, to, fd);
  if (problem != std::errc() || end != to || fd <= STDERR_FILENO) return std::nullopt;
  return fd;
}

namespace {

rt::listener listener_at(const std::string& address) {
  const auto fd = inherited_descriptor(address);
  if (!fd) return rt::listener::bind(rt::endpoint::parse(address));
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(*fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens)
    fail(disposition::invalid, "The process was started without a listening socket at descriptor " +
                                   std::to_string(*fd) + ": hand one over, or give an address.");
  ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(*fd, F_SETFL, ::fcntl(*fd, F_GETFL) | O_NONBLOCK);
  return rt::listener(rt::unique_fd(*fd));
}

}  // namespace

shell::shell(rt::loop& loop, const definition& what, const common_settings& common,
             const std::string& operations_listen)
    : loop_(loop), what_(what), common_(common), operations_listen_(operations_listen) {
  health_.mount(router_, what.operations);
  health_.mount(operations_router_, true);
}

shell::address_served& shell::bind(const std::string& address, net::handler handle,
                                   std::shared_ptr<net::tls_context> tls) {
  auto listener = listener_at(address);
  log::info("listening", {{"address", listener.local().text()}});
  return *addresses_.emplace_back(
      std::make_unique<address_served>(std::move(listener), std::move(handle), what_, std::move(tls)));
}

void shell::listen(const std::string& address, net::handler handle, std::shared_ptr<net::tls_context> tls) {
  bind(address, metrics_.around(std::move(handle)), std::move(tls));
  if (serving_) open_listeners();
}

/// Starts to accept on every address that is bound by now.
void shell::open_listeners() {
  for (; started_ < addresses_.size(); ++started_) {
    auto& a = *addresses_[started_];
    background_->spawn(a.server.serve(a.listener, a.tls.get()), "serve");
  }
}

void shell::stop() noexcept {
  const bool second = stopping_.is_set();
  health_.serving(false);
  stopping_.set();
  if (body_region_ && (second || !serving_)) body_region_->cancel(rt::cancel_reason::shutdown);
}

rt::task<void> shell::watch_signals() {
  rt::signal_set signals({SIGTERM, SIGINT, SIGUSR1});
  while (true) {
    const int number = co_await signals.next();
    if (number != SIGUSR1) {
      log::info("asked to stop", {{"signal", number}});
      stop();
      continue;
    }
    for (const auto& t : loop_.tasks())
      log::info("task", {{"depth", t.depth},
                         {"name", t.name},
                         {"waits_for", t.waiting_for},
                         {"place", t.place},
                         {"works_for", t.trace.text()},
                         {"age_ms", std::chrono::duration_cast<std::chrono::milliseconds>(t.age).count()}});
  }
}

/// A member of the background scope that hears when a sibling has failed, however it was spawned.
rt::task<void> shell::watch_background() {
  auto& node = co_await rt::this_task();
  rt::event never;
  try {
    co_await never.wait();
  } catch (const failure&) {
    if (node.cancelled() == rt::cancel_reason::sibling_failed) {
      log::error("a background task failed, the service ends");
      stop();
    }
    throw;
  }
}

rt::task<void> shell::run_hooks() {
  for (auto& hook : hooks_) {
    std::exception_ptr failed;
    try {
      co_await hook();
    } catch (...) {
      failed = std::current_exception();
    }
    if (!failed) continue;
    if ((co_await rt::this_task()).cancelled() != rt::cancel_reason::none) std::rethrow_exception(failed);
    log::warn("a drain hook failed", {{"error", error_of(failed)}});
  }
}

rt::task<void> shell::drain(rt::duration grace) {
  log::info("draining", {{"grace_ms", std::chrono::duration_cast<std::chrono::milliseconds>(grace).count()}});
  const auto deadline = rt::clock::now() + grace;
  if (!co_await rt::in_time(grace, run_hooks())) log::warn("the drain hooks took longer than the grace period");
  const auto rest = std::max<rt::duration>(deadline - rt::clock::now(), std::chrono::milliseconds(1));
  rt::scope draining(&co_await rt::this_task());
  for (std::size_t i = 0; i < started_; ++i) draining.spawn(addresses_[i]->server.drain(rest), "drain");
  co_await draining.join();
}

rt::task<void> shell::join_all() {
  for (std::size_t i = 0; i < started_; ++i) co_await addresses_[i]->server.drain(std::chrono::milliseconds(1));
  background_->cancel(rt::cancel_reason::shutdown);
  co_await background_->join();
}

rt::task<void> shell::serve() {
  ATRIUM_ASSERT(!serving_, "serve() is called once");
  serving_ = true;
  health_.serving(!stopping_.is_set());
  open_listeners();
  log::info("serving");
  std::exception_ptr failed;
  try {
    co_await stopping_.wait();
    co_await drain(common_.grace);
  } catch (...) {
    failed = std::current_exception();  // cut by a second signal
  }
  co_await rt::shield(join_all());  // handlers and tasks may use the body's locals
  if (failed) std::rethrow_exception(failed);
}

namespace {
bool database_away(const error& e) {
  return e.code().starts_with("pg.") &&
         (e.disposition() == disposition::disconnected || e.disposition() == disposition::timed_out);
}
}  // namespace

/// What --listen serves: health from the first moment, the service's own routes from serve() on.
rt::task<void> shell::answer(net::exchange& x) {
  const auto path = x.request().path();
  const bool own = path == "/alive" || path == "/ready" || path == "/metrics" || path == "/debug/tasks";
  if (!serving_ && !own) {
    auto answer = net::response::text(503, "starting, try again in a moment\n");
    answer.headers.set("Retry-After", "1");
    co_return co_await x.respond(std::move(answer));
  }
  std::optional<error> away;
  try {
    co_await router_(x);
  } catch (const failure& f) {
    away = f.error();
    if (x.responded() || !database_away(*away)) throw;
  }
  if (!away) co_return;
  log::warn("the database is away", {{"error", *away}});
  auto answer = net::response::of(*away);
  answer.status = 503;  // it is this service that is unavailable: its clients know nothing of what stands behind it
  answer.headers.set("Retry-After", "3");
  co_await x.respond(std::move(answer));
}

rt::task<void> shell::main(body b) {
  auto& node = co_await rt::this_task();
  rt::scope background(&node), watchers(&node);
  background_ = &background;
  background.spawn(watch_background(), "watch background");
  watchers.spawn(watch_signals(), "signals");
  std::exception_ptr failed;
  bool stopped = false;
  try {
    if (!common_.listen.empty()) {
      auto& at = bind(common_.listen, metrics_.around([this](net::exchange& x) { return answer(x); }), nullptr);
      address_ = at.listener.local().text();
    }
    if (!operations_listen_.empty())
      bind(operations_listen_, [this](net::exchange& x) { return operations_router_(x); }, nullptr);
    open_listeners();
    rt::cancel_region region(node);
    body_region_ = &region;
    try {
      co_await b(*this);
    } catch (...) {
      failed = std::current_exception();
      stopped = region.fired() && error_of(failed).disposition() == disposition::cancelled;
    }
    body_region_ = nullptr;
  } catch (...) {
    failed = std::current_exception();
  }
  if (stopped) failed = nullptr;
  try {
    co_await rt::shield(join_all());
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  watchers.cancel(rt::cancel_reason::shutdown);
  co_await watchers.join();
  while (!owned_.empty()) owned_.pop_back();
  if (failed) std::rethrow_exception(failed);
  log::info("ended");
}

}  // namespace atrium::service
