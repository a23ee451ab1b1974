#include <dirent.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>

#include "atrium/asio/stream.hpp"
#include "atrium/asio/use_task.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/support/backends.hpp"

namespace atrium::asio {
namespace {

namespace net = boost::asio;
namespace ws = boost::beast::websocket;
using namespace std::chrono_literals;
using timer =
    net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, executor>;

class Bridge : public tests::on_backends {
 protected:
  /// Runs `body(context&)` with the context's handlers running beside it.
  template <class Body>
  void with_context(Body body) {
    auto outer = [](Body b) -> rt::task<> {
      context c(rt::loop::current());
      rt::scope s;
      s.spawn(c.run(), "asio");
      co_await b(c);
      s.cancel(rt::cancel_reason::requested);
      co_await s.join();
    };
    run(outer(std::move(body)));
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, Bridge, testing::Values(rt::backend_kind::io_uring, rt::backend_kind::epoll),
                         tests::backend_name);

int threads() {
  int n = 0;
  auto* d = ::opendir("/proc/self/task");
  while (const auto* e = ::readdir(d)) n += e->d_name[0] != '.';
  ::closedir(d);
  return n;
}

TEST_P(Bridge, TasksAwaitAsioTimersOnOneThread) {
  with_context([](context& c) -> rt::task<> {
    const auto before = threads();
    timer t(c.get_executor(), 5ms);
    co_await t.async_wait(use_task);
    net::steady_timer erased(c.get_executor(), 1ms);
    co_await erased.async_wait(use_task);
    EXPECT_EQ(threads(), before);
  });
}

TEST_P(Bridge, CancellingTheTaskCancelsTheAsioOperation) {
  with_context([](context& c) -> rt::task<> {
    timer t(c.get_executor(), 1h);
    auto wait = [](timer& x) -> rt::task<> { co_await x.async_wait(use_task); };
    auto d = disposition::failed;
    try {
      co_await rt::with_timeout(5ms, wait(t));
    } catch (const failure& f) {
      d = f.disposition();
    }
    EXPECT_EQ(d, disposition::timed_out);
  });
}

TEST_P(Bridge, AsioCoroutinesRunOnTheLoop) {
  with_context([](context& c) -> rt::task<> {
    rt::event done;
    auto body = [](rt::event& e) -> net::awaitable<void, executor> {
      timer t(co_await net::this_coro::executor, 1ms);
      co_await t.async_wait(net::use_awaitable_t<executor>{});
      e.set();
    };
    net::co_spawn(c.get_executor(), body(done), net::detached);
    co_await done.wait();
  });
}

net::awaitable<void, executor> echo_server(ws::stream<stream>& w) {
  const net::use_awaitable_t<executor> token;
  co_await w.async_accept(token);
  boost::beast::flat_buffer buffer;
  for (;;) {
    auto [ec, n] = co_await w.async_read(buffer, net::as_tuple(token));
    if (ec) break;
    co_await w.async_write(buffer.data(), token);
    buffer.consume(n);
  }
}

TEST_P(Bridge, BeastWebSocketCarriesMessages) {
  with_context([](context& c) -> rt::task<> {
    const auto before = threads();
    auto [a, b] = rt::socket_pair();
    ws::stream<stream> server(stream(c, std::move(a))), client(stream(c, std::move(b)));
    server.set_option(ws::stream_base::timeout::suggested(boost::beast::role_type::server));
    client.set_option(ws::stream_base::timeout::suggested(boost::beast::role_type::client));
    rt::event server_done;
    net::co_spawn(c.get_executor(), echo_server(server), [&](std::exception_ptr) { server_done.set(); });
    co_await client.async_handshake("localhost", "/", use_task);
    boost::beast::flat_buffer buffer;
    for (int i = 0; i < 200; ++i) {
      const std::string message(static_cast<std::size_t>(1 + i * 37), 'x');
      co_await client.async_write(net::buffer(message), use_task);
      co_await client.async_read(buffer, use_task);
      EXPECT_EQ(buffer.size(), message.size());
      buffer.consume(buffer.size());
    }
    co_await client.async_close(ws::close_code::normal, use_task);
    co_await server_done.wait();
    EXPECT_EQ(threads(), before);
  });
}

TEST_P(Bridge, AsioTlsRunsOverOurStreams) {
  with_context([](context& c) -> rt::task<> {
    auto [a, b] = rt::socket_pair();
    net::ssl::context server_context(net::ssl::context::tls_server), client_context(net::ssl::context::tls_client);
    // Anonymous key exchange keeps certificates out of this test.
    SSL_CTX_set_max_proto_version(server_context.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(server_context.native_handle(), "AECDH-AES128-SHA:@SECLEVEL=0");
    SSL_CTX_set_cipher_list(client_context.native_handle(), "AECDH-AES128-SHA:@SECLEVEL=0");
    net::ssl::stream<stream> server(stream(c, std::move(a)), server_context),
        client(stream(c, std::move(b)), client_context);
    auto serve = [](net::ssl::stream<stream>& s) -> rt::task<> {
      co_await s.async_handshake(net::ssl::stream_base::server, use_task);
      char text[5];
      co_await net::async_read(s, net::buffer(text), use_task);
      co_await net::async_write(s, net::buffer(text), use_task);
    };
    rt::scope s;
    s.spawn(serve(server), "server");
    co_await client.async_handshake(net::ssl::stream_base::client, use_task);
    co_await net::async_write(client, net::buffer("hello", 5), use_task);
    char text[5];
    co_await net::async_read(client, net::buffer(text), use_task);
    EXPECT_EQ(std::string_view(text, 5), "hello");
    co_await s.join();
  });
}

}  // namespace
}  // namespace atrium::asio
