// HTTP client with kept connections against our server over a bad network: every request gets exactly one answer, its
// own, or a clear failure; what is not idempotent is never handled twice.
#include "atrium/net/proxy.hpp"
#include "atrium/net/websocket_codec.hpp"

#include "tests/sim/simulate.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

struct world {
  sim::simulation& sim;
  std::map<std::string, int> handled;  // by id of the request
  int answered = 0, failed = 0;
};

std::string payload(const std::string& id, std::size_t size) {
  std::string text;
  while (text.size() < size) text += id;
  text.resize(size);
  return text;
}

rt::task<void> handle(world& w, net::exchange& x) {
  const std::string id(*x.request().headers.find("x-id"));
  ++w.handled[id];
  EXPECT_LE(w.handled[id], x.request().method == "POST" ? 1 : 2) << x.request().method << " handled too often";
  std::string body;
  if (x.request().method != "GET") body = co_await x.body().text(1u << 20);
  if (w.sim.random().chance(0.3)) co_await rt::sleep_for(w.sim.random().between(rt::duration(0), rt::duration(2s)));
  const auto size = static_cast<std::size_t>(std::atoll(std::string(*x.request().headers.find("x-size")).c_str()));
  auto text = x.request().method + " " + id + " " + std::to_string(body.size()) + " " + payload(id, size);
  if (!body.empty()) EXPECT_EQ(body, payload(id, body.size()));
  if (w.sim.random().chance(0.5)) co_return co_await x.respond(net::response::text(200, text));
  auto writer = co_await x.start(net::response::text(200, ""));
  for (std::string_view rest = text; !rest.empty();) {
    const auto n = std::min<std::size_t>(rest.size(), w.sim.random().between(1, 5000));
    co_await writer->write(rest.substr(0, n));
    rest.remove_prefix(n);
  }
  co_await writer->finish();
}

rt::task<void> ask(world& w, net::http_client& by, const net::origin& to, std::string id) {
  auto& r = w.sim.random();
  net::request head;
  head.method = r.chance(0.5) ? "GET" : r.chance(0.5) ? "POST" : "PUT";
  const auto size = r.chance(0.1) ? r.below(60'000) : r.below(100);
  head.headers.add("X-Id", id);
  head.headers.add("X-Size", std::to_string(size));
  std::string body;
  if (head.method != "GET") body = payload(id, r.chance(0.1) ? r.below(60'000) : r.below(100));
  const auto method = head.method;
  const auto sent = body.size();
  try {
    auto answer = co_await by.fetch(to, std::move(head), std::move(body));
    if (answer.status == 408) {  // the body was on its way for too long: said clearly
      ++w.failed;
      co_return;
    }
    ++w.answered;
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, method + " " + id + " " + std::to_string(sent) + " " + payload(id, size))
        << "somebody else's answer";
    EXPECT_GE(w.handled[id], 1);
  } catch (const failure& f) {
    const auto d = f.disposition();
    if (d == disposition::cancelled) throw;
    ++w.failed;
    EXPECT_TRUE(d == disposition::disconnected || d == disposition::timed_out) << f.error().describe();
  }
}

rt::task<void> ask_often(world& w, net::http_client& by, const net::origin& to, std::string name) {
  for (int i = 0; i < 7; ++i) {
    auto one = ask(w, by, to, name + std::to_string(i));
    if (w.sim.random().chance(0.1)) {
      try {
        co_await rt::with_timeout(w.sim.random().between(rt::duration(1ms), rt::duration(3s)), std::move(one));
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::timed_out);
      }
    } else {
      co_await std::move(one);
    }
    if (w.sim.random().chance(0.1)) co_await rt::sleep_for(w.sim.random().between(rt::duration(0), rt::duration(90s)));
  }
}

rt::task<void> serve(net::http_server& server, rt::listener& l) { co_await server.serve(l); }

rt::task<void> exchange_all(sim::simulation& s, bool orderly) {
  world w{s, {}};
  net::http_server server([&w](net::exchange& x) { return handle(w, x); });
  auto l = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  net::origin to;
  to.host = "127.0.0.1";
  to.port = l.local().port();
  rt::scope serving(&co_await rt::this_task());
  serving.spawn(serve(server, l), "serve");
  {
    net::http_client client;
    co_await rt::all(ask_often(w, client, to, "a"), ask_often(w, client, to, "b"), ask_often(w, client, to, "c"));
    co_await server.drain(5s);
    co_await serving.join();
  }
  l.close();
  if (orderly) EXPECT_EQ(w.failed, 0);
  co_await rt::sleep_for(200s);
}

TEST(SimHttp, EveryRequestGetsItsOneAnswerOrAClearFailure) {
  simulate(1000, [](sim::simulation& s) { return exchange_all(s, false); });
}

TEST(SimHttp, OnAHealthyNetworkEveryRequestIsAnswered) {
  simulate(
      1000, [](sim::simulation& s) { return exchange_all(s, true); },
      [](sim::options& o, sim::random&) {
        auto& f = o.faults;
        f.reset = f.stall = f.slow = f.refuse = f.lost_connect = f.accept_abort = f.clock_jump = 0;
        f.latency_most = std::min<rt::duration>(f.latency_most, 5ms);
        f.buffer = std::max<std::size_t>(f.buffer, 1024);
      });
}

constexpr std::size_t download_size = 4u << 20;  // much more than the buffers on its way

rt::task<void> give_download(net::exchange& x) {
  net::response head{.status = 200, .headers = {{"Content-Length", std::to_string(download_size)}}, .body = {}};
  auto writer = co_await x.start(std::move(head));
  const std::string piece(64 * 1024, 'd');
  for (std::size_t sent = 0; sent < download_size; sent += piece.size()) co_await writer->write(piece);
  co_await writer->finish();
}

/// A server on a port of its own, for as long as its scope lasts.
net::origin place(rt::listener& at, net::http_server& server, rt::scope& serving) {
  serving.spawn(serve(server, at), "serve");
  return {.host = "127.0.0.1", .port = at.local().port()};
}

/// Reads a little, pauses, reads on; gives how much came.
rt::task<std::size_t> paused_download(net::http_client& client, const net::origin& from, rt::duration pause) {
  auto answer = co_await client.send(from, {.target = "/"});
  std::vector<std::byte> piece(1000);
  std::size_t came = co_await answer.body->read_some(piece);
  co_await rt::sleep_for(pause);
  try {
    while (const auto n = co_await answer.body->read_some(piece)) came += n;
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected);
  }
  co_return came;
}

/// As a download comes to a browser: from a project's server through hub-proxy and edge.
rt::task<void> pause_downloads(sim::simulation&) {
  net::client_options patient;
  patient.limits.body_timeout = 1h;
  net::http_client by_hub(patient), by_edge(patient), browser(patient);
  net::origin project, hub;
  const auto to = [](const net::origin& o) { return net::proxy_target{.to = o, .target = "/"}; };
  net::http_server projects(give_download);
  net::http_server hubs([&](net::exchange& x) -> rt::task<void> {
    const auto target = to(project);
    co_await net::forward(x, by_hub, target);
  });
  net::http_server edges([&](net::exchange& x) -> rt::task<void> {
    const auto target = to(hub);
    co_await net::forward(x, by_edge, target);
  });
  std::vector<rt::listener> doors;
  for (int i = 0; i < 3; ++i) doors.push_back(rt::listener::bind(rt::endpoint::parse("127.0.0.1:0")));
  rt::scope serving(&co_await rt::this_task());
  project = place(doors[0], projects, serving);
  hub = place(doors[1], hubs, serving);
  const auto edge = place(doors[2], edges, serving);
  EXPECT_EQ(co_await paused_download(browser, edge, 9min), download_size);
  EXPECT_LT(co_await paused_download(browser, edge, 11min), download_size) << "nobody waits for ever";
  for (auto* s : {&edges, &hubs, &projects}) co_await s->drain(5s);
  co_await serving.join();
}

TEST(SimHttp, APausedDownloadGoesOnWithinTenMinutesOnEveryHop) {
  simulate(20, pause_downloads, [](sim::options& o, sim::random&) { o.faults = {}; });
}

/// Takes an upgrade, and goes on saying a word when its peer has ended, a few times.
rt::task<void> talk_on(net::exchange& x) {
  const auto key = x.request().headers.find("Sec-WebSocket-Key").value();
  auto raw = co_await x.upgrade({{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", net::ws::handshake_accept(key)}});
  std::byte scrap[10];
  while (co_await raw.stream->read_some(scrap) > 0) {
  }
  for (int i = 0; i < 3; ++i) {
    co_await rt::sleep_for(20s);
    co_await raw.stream->write_all(rt::as_bytes(std::string_view("word")));
  }
  co_await rt::sleep_for(1h);
}

rt::task<void> half_close(sim::simulation& s) {
  net::http_client by_proxy, browser;
  net::origin behind;
  net::http_server talker(talk_on);
  net::http_server proxy([&](net::exchange& x) -> rt::task<void> {
    const net::proxy_target target{.to = behind, .target = "/"};
    co_await net::forward(x, by_proxy, target);
  });
  auto inner = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  auto outer = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  rt::scope serving(&co_await rt::this_task());
  behind = place(inner, talker, serving);
  const auto at = place(outer, proxy, serving);
  auto answer = co_await browser.send(at, {.target = "/",
                                           .headers = {{"Upgrade", "websocket"},
                                                       {"Connection", "Upgrade"},
                                                       {"Sec-WebSocket-Version", "13"},
                                                       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}});
  auto& stream = *answer.upgraded.value().stream;
  const auto began = s.elapsed();
  co_await stream.shutdown_send();
  std::size_t came = 0;
  try {
    std::byte piece[10];
    while (const auto n = co_await stream.read_some(piece)) came += n;
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected);
  }
  EXPECT_EQ(came, 12u) << "what still comes is passed on";
  EXPECT_GE(s.elapsed() - began, 90s);
  EXPECT_LT(s.elapsed() - began, 121s) << "half a minute, or a whole one, without a word is the end";
  for (auto* server : {&proxy, &talker}) co_await server->drain(5s);
  co_await serving.join();
}

TEST(SimHttp, AHalfClosedTunnelThatStandsStillIsCut) {
  simulate(20, half_close, [](sim::options& o, sim::random&) { o.faults = {}; });
}

}  // namespace
}  // namespace atrium::tests
