#include "atrium/asio/context.hpp"

#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/scheduler.hpp>
#include <thread>

#include "atrium/rt/io.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::asio {

namespace net = boost::asio;
namespace nd = boost::asio::detail;

namespace {

// Two private members of Asio are needed. An explicit instantiation may name them (the language's one way round
// access).
template <class Tag, auto Member>
struct expose {
  friend constexpr auto member(Tag) { return Member; }
};
struct epoll_descriptor {
  friend constexpr auto member(epoll_descriptor);
};
struct task_interrupted {
  friend constexpr auto member(task_interrupted);
};
template struct expose<epoll_descriptor, &nd::epoll_reactor::epoll_fd_>;
template struct expose<task_interrupted, &nd::scheduler::task_interrupted_>;

}  // namespace

namespace {
/// Asio's scheduler calls this where it would wait for I/O.
class loop_task : public nd::execution_context_service_base<loop_task>, public nd::scheduler_task {
 public:
  explicit loop_task(net::execution_context& c) : nd::execution_context_service_base<loop_task>(c) {}
  void shutdown() override {}
  void run(long, nd::op_queue<nd::scheduler_operation>& ops) override {
    net::use_service<nd::epoll_reactor>(context()).run(0, ops);
  }
  void interrupt() override {
    if (on_interrupt) on_interrupt();
  }
  std::function<void()> on_interrupt;
};
}  // namespace

struct context::state {
  explicit state(rt::loop& l) : owner(l) {}
  rt::loop& owner;
  std::thread::id thread = std::this_thread::get_id();
  rt::event work;
  rt::scope operations;
  nd::scheduler* scheduler = nullptr;
  loop_task* task = nullptr;
  int epoll_fd = -1;

  void wake() {
    if (std::this_thread::get_id() == thread) work.set();
    else owner.post([this] { work.set(); });
  }
  void poll() {
    boost::system::error_code ignored;
    scheduler->poll(ignored);
    scheduler->*member(task_interrupted{}) = false;  // so that the next post calls interrupt()
  }
};

context::context(rt::loop& owner) : state_(std::make_unique<state>(owner)) {
  auto make = std::make_unique<nd::scheduler>(*this, 1, false, [](net::execution_context& c) -> nd::scheduler_task* {
    return &net::use_service<loop_task>(c);
  });
  state_->scheduler = make.get();
  net::add_service<nd::scheduler>(*this, make.release());
  state_->scheduler->init_task();
  state_->task = &net::use_service<loop_task>(*this);
  state_->task->on_interrupt = [s = state_.get()] { s->wake(); };
  state_->epoll_fd = net::use_service<nd::epoll_reactor>(*this).*member(epoll_descriptor{});
  state_->scheduler->work_started();  // else it would stop whenever it is empty
  state_->poll();
}

context::~context() {
  rt::forget_fd(state_->epoll_fd);
  shutdown();
  destroy();
}

rt::task<void> context::run() {
  auto& s = *state_;
  auto watch = [](state& x) -> rt::task<void> {
    while (true) {
      co_await rt::readable(x.epoll_fd);
      x.poll();
      co_await rt::yield();
    }
  };
  auto pump = [](state& x) -> rt::task<void> {
    while (true) {
      co_await x.work.wait();
      x.work.reset();
      x.poll();
      co_await rt::yield();
    }
  };
  s.operations.spawn(watch(s), "asio.reactor");
  s.operations.spawn(pump(s), "asio.handlers");
  co_await s.operations.join();
}

executor context::get_executor() noexcept { return executor(*this); }
rt::loop& context::owner() noexcept { return state_->owner; }
rt::scope& context::operations() noexcept { return state_->operations; }

/// What the executor needs of a context's inside.
class context_access {
 public:
  static context::state& of(context& c) noexcept { return *c.state_; }
};

namespace detail {

namespace {
struct posted_op : nd::scheduler_operation {
  posted_op(std::unique_ptr<void, void (*)(void*)> o, void (*f)(void*))
      : nd::scheduler_operation(&posted_op::run), object(std::move(o)), call(f) {}
  static void run(void* owner, nd::scheduler_operation* base, const boost::system::error_code&, std::size_t) {
    const std::unique_ptr<posted_op> self(static_cast<posted_op*>(base));
    if (owner) self->call(self->object.get());  // without owner: the context ends, the handler is only destroyed
  }
  std::unique_ptr<void, void (*)(void*)> object;
  void (*call)(void*);
};
}  // namespace

void work_started(context& c) noexcept { context_access::of(c).scheduler->work_started(); }
void work_finished(context& c) noexcept { context_access::of(c).scheduler->work_finished(); }
bool on_loop(context& c) noexcept { return context_access::of(c).scheduler->can_dispatch(); }
void post(context& c, std::unique_ptr<void, void (*)(void*)> object, void (*call)(void*), bool continuation) {
  context_access::of(c).scheduler->post_immediate_completion(new posted_op(std::move(object), call), continuation);
}

}  // namespace detail
}  // namespace atrium::asio
