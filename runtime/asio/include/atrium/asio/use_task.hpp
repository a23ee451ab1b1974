/// @file use_task.hpp - a completion token: `co_await timer.async_wait(use_task)` in a task of ours. Layer: asio.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>
#include <optional>
#include <tuple>

#include "atrium/rt/scope.hpp"

namespace atrium::asio {

/// The operation starts when it is awaited. Its result is what follows the error code: nothing, a value, or a tuple.
/// @cancel emits terminal cancellation to the operation and waits for its completion; then throws failure(cancelled)
/// @errors failure with the error's message as peer text; operation_aborted without cancellation is disconnected
struct use_task_t {};
inline constexpr use_task_t use_task{};

namespace detail {

[[noreturn]] void throw_asio_error(const boost::system::error_code&);

template <class Initiate, class... Values>
class asio_op : public rt::detail::suspended_op {
 public:
  explicit asio_op(Initiate i) : suspended_op("asio"), initiate_(std::move(i)) {}
  asio_op(asio_op&& o) noexcept
      : suspended_op("asio"), initiate_(std::move(o.initiate_)) {}  // moved only before it is awaited

  bool await_ready() const noexcept { return false; }
  template <rt::detail::task_promise Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    if (!enter(h.promise().node, h)) return false;
    suspend();
    initiate_(
        boost::asio::bind_cancellation_slot(signal_.slot(), [this](boost::system::error_code ec, Values... values) {
          error_ = ec;
          values_.emplace(std::move(values)...);
          auto& owner = node()->owner();
          owner.post([this] { wake(); });  // handlers may run on any thread
        }));
    return true;
  }
  auto await_resume() {
    throw_if_cancelled();
    if (error_) throw_asio_error(error_);
    if constexpr (sizeof...(Values) == 1) return std::get<0>(std::move(*values_));
    else if constexpr (sizeof...(Values) > 1) return std::move(*values_);
  }
  void request_cancel() noexcept override {
    cancelled_ = node()->cancelled();
    signal_.emit(boost::asio::cancellation_type::terminal);
  }

 private:
  Initiate initiate_;
  boost::asio::cancellation_signal signal_;
  boost::system::error_code error_;
  std::optional<std::tuple<Values...>> values_;
};

}  // namespace detail
}  // namespace atrium::asio

namespace boost::asio {
template <class... Values>
class async_result<atrium::asio::use_task_t, void(boost::system::error_code, Values...)> {
 public:
  template <class Initiation, class... Args>
  static auto initiate(Initiation initiation, atrium::asio::use_task_t, Args... args) {
    auto start = [initiation = std::move(initiation),
                  arguments = std::make_tuple(std::move(args)...)](auto handler) mutable {
      std::apply([&](auto&... a) { std::move(initiation)(std::move(handler), std::move(a)...); }, arguments);
    };
    return atrium::asio::detail::asio_op<decltype(start), Values...>(std::move(start));
  }
};
}  // namespace boost::asio
