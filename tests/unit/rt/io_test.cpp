#include "tests/support/backends.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <csignal>

#include "atrium/rt/blocking.hpp"
#include "atrium/rt/process.hpp"

namespace atrium::rt {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(Sockets);
ATRIUM_ON_BACKENDS(Processes);

task<std::string> read_to_end(socket& s) {
  std::string out;
  std::byte buffer[4096];
  while (const auto n = co_await s.recv_some(buffer)) out += as_text(std::span(buffer).first(n));
  co_return out;
}

task<> echo_until_end(socket s) {
  std::byte buffer[4096];
  while (const auto n = co_await s.recv_some(buffer)) co_await s.send_all(std::span<const std::byte>(buffer, n));
}

TEST_P(Sockets, EchoOverTcp) {
  run([]() -> task<> {
    auto l = listener::bind(endpoint::parse("127.0.0.1:0"));
    auto serve = [](listener& x) -> task<> { co_await echo_until_end(co_await x.accept()); };
    scope s;
    s.spawn(serve(l), "server");
    auto c = co_await socket::connect(l.local());
    const std::string big(3'000'000, 'x');
    auto send = [](socket& x, const std::string& text) -> task<> {
      co_await x.send_all(as_bytes(text));
      x.shutdown_send();
    };
    s.spawn(send(c, big), "client.send");
    EXPECT_EQ(co_await read_to_end(c), big);
    co_await s.join();
  }());
}

TEST_P(Sockets, AnIdleConnectionToAVanishedMachineIsNoticed) {
  run([]() -> task<> {
    auto l = listener::bind(endpoint::parse("127.0.0.1:0"));
    auto s = co_await socket::connect(l.local());
    const auto value = [&](int level, int option) {
      int out = 0;
      socklen_t size = sizeof out;
      EXPECT_EQ(::getsockopt(s.fd(), level, option, &out, &size), 0);
      return out;
    };
    EXPECT_EQ(value(SOL_SOCKET, SO_KEEPALIVE), 1);
    const int probing = value(IPPROTO_TCP, TCP_KEEPINTVL) * value(IPPROTO_TCP, TCP_KEEPCNT);
    EXPECT_LE(value(IPPROTO_TCP, TCP_KEEPIDLE) + probing, 15);  // seconds
  }());
}

TEST_P(Sockets, GatheredSendKeepsOrder) {
  run([]() -> task<> {
    auto [a, b] = socket_pair();
    std::string parts[] = {"one ", "", "two ", "three"};
    std::vector<iovec> v;
    for (auto& p : parts) v.push_back({p.data(), p.size()});
    co_await a.send_all(std::span(v));
    a.shutdown_send();
    EXPECT_EQ(co_await read_to_end(b), "one two three");
  }());
}

TEST_P(Sockets, CancelledReceiveEndsAndTheSocketCanBeClosed) {
  run([]() -> task<> {
    auto [a, b] = socket_pair();
    for (int i = 0; i < 100; ++i) {
      bool timed_out = false;
      std::byte buffer[16];
      auto receive = [](socket& s, std::span<std::byte> into) -> task<> { co_await s.recv_some(into); };
      try {
        co_await with_timeout(1ms, receive(a, buffer));
      } catch (const failure& f) {
        timed_out = f.disposition() == disposition::timed_out;
      }
      EXPECT_TRUE(timed_out);
    }
  }());
}

TEST_P(Sockets, ShutdownWakesAWaitingReader) {
  run([]() -> task<> {
    auto [a, b] = socket_pair();
    auto cut = [](socket& s) -> task<> {
      co_await sleep_for(2ms);
      s.shutdown();
    };
    scope s;
    s.spawn(cut(a), "cut");
    EXPECT_EQ(co_await read_to_end(a), "");
    co_await s.join();
  }());
}

// A receive that took less than it asked for makes the next one wait without asking the kernel: nothing may be missed
// by it.
TEST_P(Sockets, BytesAndEndAreSeenAfterAShortReceive) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    std::byte buffer[16];
    co_await theirs.send_all(as_bytes("a"));
    EXPECT_EQ(co_await ours.recv_some(buffer), 1u);
    co_await theirs.send_all(as_bytes("b"));  // nobody waits when this comes
    co_await sleep_for(std::chrono::milliseconds(3));
    EXPECT_EQ(co_await ours.recv_some(buffer), 1u);
    co_await all(  // the reader sleeps when bytes and end come together
        [](rt::socket& from) -> task<void> {
          std::byte got[16];
          EXPECT_EQ(co_await from.recv_some(got), 2u);
          EXPECT_EQ(co_await from.recv_some(got), 0u);
          EXPECT_EQ(co_await from.recv_some(got), 0u);
        }(ours),
        [](rt::socket& to) -> task<void> {
          co_await sleep_for(std::chrono::milliseconds(3));
          co_await to.send_all(as_bytes("cd"));
          to.shutdown_send();
        }(theirs));
  }());
}

TEST_P(Sockets, WhatIsHereIsTakenWithoutWaiting) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    std::byte buffer[16];
    EXPECT_EQ(ours.try_recv(buffer), 0u);
    EXPECT_TRUE(ours.quiet());
    co_await theirs.send_all(as_bytes("abc"));
    co_await ours.wait_readable();
    EXPECT_FALSE(ours.quiet());
    EXPECT_EQ(ours.try_recv(std::span(buffer).first(2)), 2u);
    EXPECT_EQ(ours.try_recv(buffer), 1u);
    EXPECT_EQ(ours.try_recv(buffer), 0u);
    EXPECT_TRUE(ours.quiet());
    theirs.shutdown_send();
    co_await ours.wait_readable();
    EXPECT_FALSE(ours.quiet());
    EXPECT_EQ(ours.try_recv(buffer), 0u);
    EXPECT_EQ(co_await ours.recv_some(buffer), 0u);
  }());
}

TEST_P(Sockets, ReadinessIsSeenAfterAShortReceive) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    std::byte buffer[16];
    for (int i = 0; i < 3; ++i) {
      co_await theirs.send_all(as_bytes("ab"));
      co_await ours.wait_readable();
      EXPECT_EQ(co_await ours.recv_some(std::span(buffer).first(1)), 1u);
      co_await ours.wait_readable();  // half is left
      EXPECT_EQ(co_await ours.recv_some(buffer), 1u);
    }
    theirs.shutdown();
    co_await ours.wait_readable();
    EXPECT_EQ(co_await ours.recv_some(buffer), 0u);
  }());
}

task<std::string> receive_text(rt::socket& from) {
  const auto got = co_await from.receive();
  co_return std::string(as_text(got.bytes()));
}

TEST_P(Sockets, ReceiveLendsABufferUntilTheEnd) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    co_await theirs.send_all(as_bytes("first"));
    EXPECT_EQ(co_await receive_text(ours), "first");
    co_await all(  // the reader sleeps when bytes and end come together
        [](rt::socket& from) -> task<void> {
          EXPECT_EQ(co_await receive_text(from), "second");
          EXPECT_EQ(co_await receive_text(from), "");
          EXPECT_EQ(co_await receive_text(from), "");
        }(ours),
        [](rt::socket& to) -> task<void> {
          co_await sleep_for(std::chrono::milliseconds(3));
          co_await to.send_all(as_bytes("second"));
          to.shutdown_send();
        }(theirs));
  }());
}

TEST_P(Sockets, ReceiveOfManyBytesComesInWholeBuffers) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    std::string sent(1'000'000, ' ');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 >> 2);
    co_await all(
        [](rt::socket& from, const std::string& expected) -> task<void> {
          std::string got;
          for (std::string piece; !(piece = co_await receive_text(from)).empty();) got += piece;
          EXPECT_TRUE(got == expected);
        }(ours, sent),
        [](rt::socket& to, const std::string& all_of_it) -> task<void> {
          co_await to.send_all(as_bytes(all_of_it));
          to.shutdown_send();
        }(theirs, sent));
  }());
}

TEST_P(Sockets, WhoYieldsLetsIoIn) {
  if (GetParam() == backend_kind::simulated)
    GTEST_SKIP() << "its network takes time, which passes when nobody is ready";
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    bool read = false;
    scope s(&co_await this_task());
    s.spawn(
        [](rt::socket& from, bool& done) -> task<void> {
          co_await receive_text(from);
          done = true;
        }(ours, read),
        "reader");
    co_await yield();
    co_await theirs.send_all(as_bytes(std::string("x")));
    for (int i = 0; i < 3; ++i) co_await yield();  // the kernel is asked, then the reader's turn comes before ours
    EXPECT_TRUE(read);
    co_await s.join();
  }());
}

// More sockets have something to read, and their readers keep it, than the pool of a ring has buffers.
TEST_P(Sockets, ReceiversMayKeepMoreBuffersThanThereAreInAPool) {
  run([]() -> task<> {
    constexpr int count = 200;
    std::vector<std::pair<rt::socket, rt::socket>> pairs;
    for (int i = 0; i < count; ++i) pairs.push_back(socket_pair());
    std::vector<lent_bytes> kept(count);
    scope readers(&co_await this_task());
    for (int i = 0; i < count; ++i)
      readers.spawn(
          [](rt::socket& from, lent_bytes& into) -> task<void> {
            into = co_await from.receive();
          }(pairs[static_cast<std::size_t>(i)].first, kept[static_cast<std::size_t>(i)]),
          "reader");
    co_await yield();
    for (int i = 0; i < count; ++i)
      co_await pairs[static_cast<std::size_t>(i)].second.send_all(as_bytes(std::to_string(i)));
    co_await readers.join();
    for (int i = 0; i < count; ++i) EXPECT_EQ(as_text(kept[static_cast<std::size_t>(i)].bytes()), std::to_string(i));
  }());
}

TEST_P(Sockets, ReceiveCanBeCancelled) {
  run([]() -> task<> {
    auto [ours, theirs] = socket_pair();
    for (int i = 0; i < 100; ++i) {
      auto d = disposition::failed;
      try {
        co_await with_timeout(std::chrono::milliseconds(1), receive_text(ours));
      } catch (const failure& f) {
        d = f.disposition();
      }
      EXPECT_EQ(d, disposition::timed_out);
    }
  }());
}

TEST_P(Sockets, ANumberThatIsUsedAgainStartsAnew) {
  run([]() -> task<> {
    for (int i = 0; i < 5; ++i) {
      auto [ours, theirs] = socket_pair();
      std::byte buffer[16];
      co_await theirs.send_all(as_bytes("a"));
      EXPECT_EQ(co_await ours.recv_some(buffer), 1u);
      if (i % 2) {
        co_await theirs.send_all(as_bytes("end"));
        theirs.shutdown_send();
        EXPECT_EQ(co_await ours.recv_some(buffer), 3u);
        EXPECT_EQ(co_await ours.recv_some(buffer), 0u);
      }
    }
  }());
}

TEST_P(Sockets, RefusedConnectionIsDisconnected) {
  run([]() -> task<> {
    auto l = listener::bind(endpoint::parse("127.0.0.1:0"));
    const auto where = l.local();
    l.close();
    disposition d = disposition::failed;
    try {
      co_await socket::connect(where);
    } catch (const failure& f) {
      d = f.disposition();
    }
    EXPECT_EQ(d, disposition::disconnected);
  }());
}

TEST_P(Sockets, StaleUnixSocketIsReplacedALiveOneIsNot) {
  run([]() -> task<> {
    const auto at = endpoint::unix_path("/tmp/atrium-test-" + std::to_string(::getpid()) + ".sock");
    {
      auto stale = listener::bind(at);
    }
    auto l = listener::bind(at);
    EXPECT_THROW(listener::bind(at), failure);
    ::unlink(at.host().c_str());
    co_return;
  }());
}

TEST_P(Sockets, ManyConnectionsAtOnce) {
  run([]() -> task<> {
    auto l = listener::bind(endpoint::parse("127.0.0.1:0"));
    auto serve = [](listener& x, scope& s) -> task<> {
      for (int i = 0; i < 200; ++i) s.spawn(echo_until_end(co_await x.accept()), "connection");
    };
    auto client = [](endpoint to, int i, int& good) -> task<> {
      auto c = co_await socket::connect(to);
      const auto text = std::to_string(i);
      co_await c.send_all(as_bytes(text));
      c.shutdown_send();
      good += co_await read_to_end(c) == text;
    };
    int good = 0;
    co_await with_scope([&](scope& s) -> task<> {
      s.spawn(serve(l, s), "server");
      for (int i = 0; i < 200; ++i) s.spawn(client(l.local(), i, good), "client");
      co_return;
    });
    EXPECT_EQ(good, 200);
  }());
}

TEST(Endpoints, ParseAndPrint) {
  EXPECT_EQ(endpoint::parse("127.0.0.1:80").text(), "127.0.0.1:80");
  EXPECT_EQ(endpoint::parse("[::1]:8080").text(), "[::1]:8080");
  EXPECT_EQ(endpoint::parse("unix:/tmp/x").text(), "unix:/tmp/x");
  for (const char* bad : {"", "x", "host:80", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:8x", "unix:"})
    EXPECT_THROW(endpoint::parse(bad), failure) << bad;
}

TEST_P(Processes, OutputExitCodeAndInput) {
  run([]() -> task<> {
    const auto r = co_await run_command({.argv = {"sh", "-c", "cat; echo err >&2; exit 3"}}, 1 << 20, "hello");
    EXPECT_EQ(r.standard_output, "hello");
    EXPECT_EQ(r.standard_error, "err\n");
    EXPECT_EQ(r.status.code, 3);
  }());
}

TEST_P(Processes, MissingProgramIsNotFound) {
  run([]() -> task<> {
    disposition d = disposition::failed;
    try {
      process::start({.argv = {"no-such-program-here"}});
    } catch (const failure& f) {
      d = f.disposition();
    }
    EXPECT_EQ(d, disposition::not_found);
    co_return;
  }());
}

TEST_P(Processes, TimeoutKillsTheWholeGroup) {
  run([]() -> task<> {
    bool timed_out = false;
    try {
      co_await with_timeout(50ms, run_command({.argv = {"sh", "-c", "sleep 1000 & sleep 1000"}}));
    } catch (const failure& f) {
      timed_out = f.disposition() == disposition::timed_out;
    }
    EXPECT_TRUE(timed_out);
  }());
}

TEST_P(Processes, OutputBeyondTheLimitIsCut) {
  run([]() -> task<> {
    const auto r = co_await run_command({.argv = {"sh", "-c", "head -c 100000 /dev/zero"}}, 1000);
    EXPECT_EQ(r.standard_output.size(), 1000u);
    EXPECT_TRUE(r.truncated);
  }());
}

TEST_P(Processes, StopSendsTermThenKill) {
  run([]() -> task<> {
    auto ready = make_pipe(true, false);
    auto p = process::start({.argv = {"sh", "-c", "trap '' TERM; echo; while :; do sleep 0.05; done"},
                             .standard_output = ready.write.get()});
    std::byte b[1];
    co_await read_some(ready.read.get(), b);
    const auto status = co_await p.stop(50ms);
    EXPECT_EQ(status.signal, SIGKILL);
  }());
}

TEST_P(Processes, PtyCarriesAShell) {
  run([]() -> task<> {
    auto pty = open_pty(80, 24);
    auto p = process::start({.argv = {"sh", "-c", "stty size; read x; echo got $x"},
                             .standard_input = pty.slave.get(),
                             .standard_output = pty.slave.get(),
                             .standard_error = pty.slave.get(),
                             .new_session = true,
                             .controlling_terminal = true});
    pty.slave.close();
    co_await write_all(pty.master.get(), as_bytes("word\n"));
    std::string out;
    std::byte buffer[1024];
    while (const auto n = co_await read_some(pty.master.get(), buffer)) out += as_text(std::span(buffer).first(n));
    EXPECT_NE(out.find("24 80"), std::string::npos) << out;
    EXPECT_NE(out.find("got word"), std::string::npos) << out;
    EXPECT_EQ((co_await p.wait()).code, 0);
  }());
}

TEST_P(Processes, SignalsArrive) {
  run([]() -> task<> {
    signal_set signals{SIGUSR2};
    ::kill(::getpid(), SIGUSR2);
    EXPECT_EQ(co_await signals.next(), SIGUSR2);
  }());
}

TEST_P(Processes, FilesAreReplacedWhole) {
  run([]() -> task<> {
    const std::string path = "/tmp/atrium-file-" + std::to_string(::getpid());
    co_await write_file(path, "one");
    co_await write_file(path, "two");
    EXPECT_EQ(co_await read_file(path), "two");
    ::unlink(path.c_str());
    disposition d = disposition::failed;
    try {
      co_await read_file(path);
    } catch (const failure& f) {
      d = f.disposition();
    }
    EXPECT_EQ(d, disposition::not_found);
  }());
}

}  // namespace
}  // namespace atrium::rt
