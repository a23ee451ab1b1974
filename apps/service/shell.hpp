/// @file shell.hpp - the implementation of service::context. Layer: apps/service, private.
#pragma once

#include <map>
#include <optional>

#include "apps/service/service.hpp"
#include "atrium/base/metrics.hpp"

namespace atrium::service {

/// Counts and times what a handler answers, by route pattern.
class request_metrics {
 public:
  net::handler around(net::handler);

 private:
  void note(const net::exchange&, unsigned status, double seconds);
  std::map<std::pair<std::string, unsigned>, metrics::counter*> counters_;
  std::map<std::string, metrics::histogram*> times_;
};

struct ready_check {
  std::string name;
  std::function<rt::task<void>()> check;
};

/// Adds /alive, /ready and, with `operations`, /metrics and /debug/tasks.
class health {
 public:
  void mount(net::router&, bool operations);
  void add(std::string name, std::function<rt::task<void>()> check) {
    checks_.push_back({std::move(name), std::move(check)});
  }
  void serving(bool yes) noexcept { serving_ = yes; }
  void before_metrics(std::function<void()> look) { looks_.push_back(std::move(look)); }

 private:
  rt::task<void> answer_ready(net::exchange&);
  rt::task<void> answer_metrics(net::exchange&);
  std::vector<ready_check> checks_;
  std::vector<std::function<void()>> looks_;
  bool serving_ = false;
};

/// The live task tree, indented, a line a task.
std::string task_tree(const rt::loop&);

/// N of "fd:N".
std::optional<int> inherited_descriptor(std::string_view address) noexcept;

class shell final : public context {
 public:
  shell(rt::loop& loop, const definition& what, const common_settings& common, const std::string& operations_listen);

  /// The root task of the process.
  rt::task<void> main(body);

  rt::loop& loop() noexcept override { return loop_; }
  const common_settings& settings() const noexcept override { return common_; }
  net::router& router() noexcept override { return router_; }
  void listen(const std::string& address, net::handler, std::shared_ptr<net::tls_context> tls) override;
  std::string address() const override { return address_; }
  void spawn(rt::task<void> body, const char* name, std::source_location where) override {
    background_->spawn(std::move(body), name, where);
  }
  rt::scope& background() noexcept override { return *background_; }
  void ready_when(std::string name, std::function<rt::task<void>()> check) override {
    health_.add(std::move(name), std::move(check));
  }
  void on_drain(std::function<rt::task<void>()> hook) override { hooks_.push_back(std::move(hook)); }
  void before_metrics(std::function<void()> look) override { health_.before_metrics(std::move(look)); }
  bool draining() const noexcept override { return stopping_.is_set(); }
  rt::event& stopping() noexcept override { return stopping_; }
  void stop() noexcept override;
  rt::task<void> serve() override;

 protected:
  void keep(std::shared_ptr<void> object) override { owned_.push_back(std::move(object)); }

 private:
  struct address_served {
    address_served(rt::listener l, net::handler h, const definition& what, std::shared_ptr<net::tls_context> t)
        : listener(std::move(l)), server(std::move(h), what.limits, what.takes_trace), tls(std::move(t)) {}
    rt::listener listener;
    net::http_server server;
    std::shared_ptr<net::tls_context> tls;
  };
  address_served& bind(const std::string& address, net::handler, std::shared_ptr<net::tls_context> tls);
  void open_listeners();
  rt::task<void> watch_signals();
  rt::task<void> watch_background();
  rt::task<void> drain(rt::duration grace);
  rt::task<void> run_hooks();
  /// Cuts what is still connected, stops and joins everything. Safe to call twice.
  rt::task<void> join_all();
  rt::task<void> answer(net::exchange&);

  rt::loop& loop_;
  const definition& what_;
  const common_settings& common_;
  std::string operations_listen_, address_;
  net::router router_, operations_router_;
  health health_;
  request_metrics metrics_;
  std::vector<std::function<rt::task<void>()>> hooks_;
  std::vector<std::shared_ptr<void>> owned_;
  std::vector<std::unique_ptr<address_served>> addresses_;
  std::size_t started_ = 0;  ///< how many of addresses_ are being served
  rt::scope* background_ = nullptr;
  rt::cancel_region* body_region_ = nullptr;
  rt::event stopping_;
  bool serving_ = false;
};

}  // namespace atrium::service
