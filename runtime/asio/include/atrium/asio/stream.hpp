/// @file stream.hpp - a socket of ours as AsyncReadStream and AsyncWriteStream: under Beast and asio::ssl::stream.
/// Layer: asio.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "atrium/asio/context.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::asio {

using error_code = boost::system::error_code;

/// The Asio error of a failure: operation_aborted for cancellation, connection_reset, timed_out, else a system error.
error_code to_error_code(const failure&) noexcept;

/// Owns a connected socket. Handlers run on their associated executor, never inside the initiating call.
/// Per-operation cancellation (terminal) is honoured. @thread the loop's
class stream {
 public:
  using executor_type = executor;
  using lowest_layer_type = stream;

  stream(context& c, rt::socket s) : context_(&c), socket_(std::make_shared<rt::socket>(std::move(s))) {}

  executor_type get_executor() const noexcept { return context_->get_executor(); }
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  const lowest_layer_type& lowest_layer() const noexcept { return *this; }
  rt::socket& socket() noexcept { return *socket_; }
  void close() noexcept { socket_->shutdown(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return start(first_buffer<boost::asio::mutable_buffer>(buffers), std::forward<Token>(token), &read);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return start(first_buffer<boost::asio::const_buffer>(buffers), std::forward<Token>(token), &write);
  }

 private:
  template <class Buffer, class Buffers>
  static Buffer first_buffer(const Buffers& all) {
    Buffer found;
    auto it = boost::asio::buffer_sequence_begin(all);
    const auto end = boost::asio::buffer_sequence_end(all);
    while (found.size() == 0 && it != end) found = Buffer(*it++);  // some iterators of Beast have no operator->
    return found;
  }

  static rt::task<std::size_t> read(std::shared_ptr<rt::socket> s, boost::asio::mutable_buffer b);
  static rt::task<std::size_t> write(std::shared_ptr<rt::socket> s, boost::asio::const_buffer b);

  template <class Buffer, class Token>
  auto start(Buffer buffer, Token&& token, rt::task<std::size_t> (*operation)(std::shared_ptr<rt::socket>, Buffer)) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [c = context_, s = socket_](auto handler, Buffer b, auto op) {
          c->operations().spawn(carry(std::move(handler), *c, op(s, b), b.size() > 0), "asio.stream");
        },
        token, buffer, operation);
  }

  /// Awaits the operation, then hands its outcome to the handler's executor.
  template <class Handler>
  static rt::task<void> carry(Handler handler, context& c, rt::task<std::size_t> operation, bool eof_on_zero) {
    auto& node = co_await rt::this_task();
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
      slot.assign([&node](boost::asio::cancellation_type) { node.cancel(rt::cancel_reason::requested); });
    error_code result;
    std::size_t count = 0;
    try {
      count = co_await std::move(operation);
      if (count == 0 && eof_on_zero) result = boost::asio::error::eof;
    } catch (const failure& f) {
      result = to_error_code(f);
    }
    if (slot.is_connected()) slot.clear();
    auto executor = boost::asio::get_associated_executor(handler, c.get_executor());
    boost::asio::post(executor, [h = std::move(handler), result, count]() mutable { std::move(h)(result, count); });
  }

  context* context_;
  std::shared_ptr<rt::socket> socket_;  // an operation may outlive the stream object by a turn
};

inline void beast_close_socket(stream& s) { s.close(); }
inline void teardown(boost::beast::role_type, stream& s, error_code& ec) {
  s.socket().shutdown_send();
  ec = {};
}
template <class Handler>
void async_teardown(boost::beast::role_type, stream& s, Handler&& handler) {
  s.socket().shutdown_send();
  boost::asio::post(s.get_executor(), [h = std::forward<Handler>(handler)]() mutable { std::move(h)(error_code{}); });
}

}  // namespace atrium::asio
