/// @file service.hpp - the shell of every service: settings, logging, signals, health, metrics, draining. Layer:
/// apps/service.
///
///   int run_static(int argc, char** argv) {
///     std::string root;
///     return service::run({.name = "static", .summary = "serves the browser application",
///                          .define = [&](settings& s) { s.add("root", "DIR", "built application", root).required();
///                          }},
///                         argc, argv, [&](service::context& c) -> rt::task<void> {
///       auto& pages = c.make<site>(root);                   // the service's state: outlives every task and handler
///       c.router().add("GET", "/app/{path*}", pages.handler());
///       c.spawn(pages.watch(), "watch files");              // cancelled when the service drains
///       c.ready_when("files", [&] { return pages.check(); });
///       co_await c.serve();                                 // until SIGTERM or SIGINT, then drains
///     });
///   }
///
/// A request that changes something, opens a WebSocket, takes longer than a second or fails with 500 or more leaves a
/// log record; every record made while a request is handled has its trace id.
///
/// Mounted on --listen (and on --operations-listen, when given): /alive (the loop turns), /ready (serve() was called,
/// every readiness check passes, not draining), /metrics, /debug/tasks. SIGUSR1 writes the task tree to the log.
/// Everything of a service runs on one loop and one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "atrium/base/log.hpp"
#include "atrium/base/settings.hpp"
#include "atrium/net/client.hpp"
#include "atrium/net/server.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::service {

/// Settings that all services share; see docs/protocols.md section 1.
struct common_settings {
  std::string listen;      ///< "host:port", "unix:/path" or "fd:N" (inherited); empty: no address of its own
  std::string database;    ///< libpq connection string; empty: libpq's own defaults (PGHOST, ...)
  std::string kubeconfig;  ///< empty: in-cluster
  std::string name_space = "default";
  std::string replica;  ///< of which at most one process runs at a time; empty: unknown
  std::string state;    ///< folder, for those that keep something on disk
  std::chrono::nanoseconds grace = std::chrono::seconds(10);  ///< for draining
};

/// What a service says about itself before it starts.
struct definition {
  std::string name;                            ///< as the subcommand
  std::string summary;                         ///< one line for --help
  std::function<void(settings&)> define = {};  ///< adds its own settings
  std::string listen = "127.0.0.1:0";          ///< default of --listen; empty: no listener unless asked for
  /// Which of the shared settings --help shows. All services accept all of them, so that one set of flags starts any.
  bool database = false, kubernetes = false, state = false;
  /// Mounts /metrics and /debug/tasks on --listen. False where strangers can reach it: then they are on
  /// --operations-listen only.
  bool operations = true;
  /// A limit of connections by address, for what no proxy stands in front of, becomes --connections-per-address.
  net::http_limits limits = {};
  /// Proxies of ours that requests have come through, one by default: the edge. What these add to the heads is taken on
  /// top of the limits.
  unsigned hops = 1;
  /// Whose `traceparent` is taken over. Null: everybody's, for what stands behind the edge or an ingress.
  net::trace_policy takes_trace = nullptr;
};

/// What a service's body works with. Valid while the body runs; the loop's thread.
class context {
 public:
  virtual ~context() = default;
  virtual rt::loop& loop() noexcept = 0;
  virtual const common_settings& settings() const noexcept = 0;
  /// Routes on --listen. Add them before serve(): until then requests other than health get 503.
  virtual net::router& router() noexcept = 0;
  /// Serves `handle` on a further address, which gets every path there (no health routes). Starts with serve().
  /// @errors conflict (address in use), thrown at once
  virtual void listen(const std::string& address, net::handler handle,
                      std::shared_ptr<net::tls_context> tls = nullptr) = 0;
  /// Keeps an object until every handler and background task has ended, whatever way the body ends (last made goes
  /// first). Locals of the body do not outlive them when the body throws.
  template <class T, class... Arguments>
  T& make(Arguments&&... arguments) {
    auto owned = std::make_shared<T>(std::forward<Arguments>(arguments)...);
    auto& object = *owned;
    keep(std::move(owned));
    return object;
  }
  /// Where --listen is bound (its port when 0 was asked for), as rt::endpoint::text(); empty without one.
  virtual std::string address() const = 0;

  /// Starts a background task. One that fails (other than by cancellation) is logged and ends the process with 1, so
  /// that its supervisor starts it anew. It is cancelled after the HTTP connections were drained.
  virtual void spawn(rt::task<void> body, const char* name,
                     std::source_location where = std::source_location::current()) = 0;
  /// The scope that spawn() uses.
  virtual rt::scope& background() noexcept = 0;

  /// A named check behind /ready; passes by returning, fails by throwing (the public text of a failure is shown).
  /// Each has 2 s.
  virtual void ready_when(std::string name, std::function<rt::task<void>()> check) = 0;
  /// Called in order of registration when draining starts, before connections are ended: tell WebSocket clients to
  /// move, give leases back. All together have the grace period.
  virtual void on_drain(std::function<rt::task<void>()> hook) = 0;
  virtual bool draining() const noexcept = 0;
  /// Called before /metrics is answered: the place to set gauges that would cost too much to keep up to date.
  virtual void before_metrics(std::function<void()> look) = 0;
  /// Set when draining starts.
  virtual rt::event& stopping() noexcept = 0;
  /// As if SIGTERM came.
  virtual void stop() noexcept = 0;

  /// Becomes ready, serves until SIGTERM, SIGINT or stop(), then drains: hooks, exchanges (at most the grace period),
  /// background tasks. A second signal cuts at once. Rethrows the failure of a background task. Call once, at the end
  /// of the body.
  virtual rt::task<void> serve() = 0;

 protected:
  virtual void keep(std::shared_ptr<void>) = 0;
};

/// The record of an answered request, for what is not served through context::router() or context::listen().
void record_request(log::level, const net::request&, unsigned status, double seconds);

using body = std::function<rt::task<void>(context&)>;

/// Everything from the command line to the exit code: 0 after draining, 1 after a failure (logged), 2 for wrong
/// settings. A signal while the body is still setting up cancels it.
int run(definition what, int argc, char** argv, body);

}  // namespace atrium::service
