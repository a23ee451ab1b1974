// Downloads through the proxy whose upstream breaks off: the client gets one whole answer, or a cut one, never a wrong
// one.
#include "tests/integration/proxy/fixture.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;

ATRIUM_ON_BACKENDS(ProxyResume);

/// A server of one file whose answers break off, each behind as many bytes as the next entry of `breaks` says.
struct fragile {
  std::string content = pattern(1'000'000), etag = "\"v1\"";
  std::vector<std::size_t> breaks;
  net::headers more = {{"Accept-Ranges", "bytes"}};
  std::size_t busy = 0;  ///< so many answers of 503 after each break
  std::function<void()> on_break = [] {};
  std::vector<std::pair<std::string, std::string>> asked;  ///< Range and If-Range of each request
  std::size_t broken = 0, busy_left = 0;

  rt::task<void> operator()(exchange& e) {
    const auto field = [&](const char* name) { return std::string(e.request().headers.find(name).value_or("")); };
    asked.emplace_back(field("Range"), field("If-Range"));
    if (busy_left > 0) {
      --busy_left;
      co_return co_await e.respond(net::response::text(503, "starting"));
    }
    std::size_t first = 0, last = content.size() - 1;
    const bool part = std::sscanf(asked.back().first.c_str(), "bytes=%zu-%zu", &first, &last) > 0 &&
                      (asked.back().second.empty() || asked.back().second == etag);
    if (!part) first = 0, last = content.size() - 1;
    net::response head{.status = part ? 206u : 200u, .headers = more, .body = {}};
    head.headers.add("ETag", etag);
    head.headers.add("Content-Length", std::to_string(last + 1 - first));
    if (part)
      head.headers.add("Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                                            std::to_string(content.size()));
    auto out = co_await e.start(std::move(head));
    auto rest = std::string_view(content).substr(first, last + 1 - first);
    const bool breaks_off = broken < breaks.size();
    if (breaks_off) rest = rest.substr(0, breaks[broken++]);
    co_await out->write(rest);
    if (!breaks_off) co_return co_await out->finish();
    busy_left = busy;
    on_break();
  }
};

/// The answer as it arrives, also when it is cut.
struct arrived {
  unsigned status = 0;
  std::string body;
  bool cut = false;
};

rt::task<arrived> get(web& w, net::request r) {
  auto a = co_await w.client.send(w.at, std::move(r));
  arrived out{.status = a.status};
  std::vector<std::byte> piece(50'000);
  try {
    while (const auto n = co_await a.body->read_some(piece)) out.body += rt::as_text(std::span(piece).first(n));
  } catch (const failure& f) {
    EXPECT_EQ(f.disposition(), disposition::disconnected);
    out.cut = true;
  }
  co_return out;
}

rt::task<void> through_proxy(fragile& file, std::function<rt::task<void>(web&)> body, rt::duration patience = 20s) {
  net::proxy_target target;
  target.resume_within = patience;
  co_await with_proxy([&file](exchange& e) { return file(e); }, std::move(body), target);
}

TEST_P(ProxyResume, TheClientGetsEveryByteOnceOverManyBreaks) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks = {400'000, 1, 0, 0, 99'999, 300'000};
    file.busy = 2;
    co_await through_proxy(file, [&](web& w) -> rt::task<void> {
      const auto a = co_await get(w, {.target = "/file"});
      EXPECT_EQ(a.status, 200u);
      EXPECT_FALSE(a.cut);
      EXPECT_TRUE(a.body == file.content);
    });
    EXPECT_EQ(file.asked.size(), 7u + 6 * file.busy);
    EXPECT_EQ(file.asked.front(), std::pair(std::string(), std::string()));
    EXPECT_EQ(file.asked.back(), std::pair(std::string("bytes=800000-999999"), file.etag));
  };
  run(body());
}

TEST_P(ProxyResume, APartThatTheClientAskedForGoesOnToo) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks = {100'000, 200'000};
    co_await through_proxy(file, [&](web& w) -> rt::task<void> {
      const auto a =
          co_await get(w, {.target = "/file", .headers = {{"Range", "bytes=100000-899999"}, {"If-Range", file.etag}}});
      EXPECT_EQ(a.status, 206u);
      EXPECT_TRUE(a.body == file.content.substr(100'000, 800'000));
    });
    EXPECT_EQ(file.asked.size(), 3u);
    EXPECT_EQ(file.asked.back().first, "bytes=400000-899999");
  };
  run(body());
}

TEST_P(ProxyResume, AnotherVersionIsNeverJoined) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks = {500'000};
    const auto before = file.content;
    file.on_break = [&] {
      file.etag = "\"v2\"";
      file.content.assign(file.content.size(), 'x');
    };
    co_await through_proxy(file, [&](web& w) -> rt::task<void> {
      const auto a = co_await get(w, {.target = "/file"});
      EXPECT_TRUE(a.cut);
      EXPECT_TRUE(a.body == before.substr(0, 500'000));
    });
    EXPECT_EQ(file.asked.size(), 2u);
  };
  run(body());
}

TEST_P(ProxyResume, WhatCannotBeContinuedSafelyIsCutAsBefore) {
  auto body = []() -> rt::task<void> {
    const auto expect_cut = [](std::string etag, net::headers more, std::string method) -> rt::task<void> {
      fragile file{.etag = std::move(etag), .breaks = {500'000}, .more = std::move(more)};
      co_await through_proxy(file, [&](web& w) -> rt::task<void> {
        const auto a = co_await get(w, {.method = method, .target = "/file"});
        EXPECT_TRUE(a.cut);
        EXPECT_EQ(a.body.size(), 500'000u);
      });
      EXPECT_EQ(file.asked.size(), 1u);
    };
    co_await expect_cut("W/\"v1\"", {{"Accept-Ranges", "bytes"}}, "GET");
    co_await expect_cut("\"v1\"", {}, "GET");
    co_await expect_cut("\"v1\"", {{"Accept-Ranges", "bytes"}}, "POST");
  };
  run(body());
}

TEST_P(ProxyResume, ARefusalEndsItAndPatienceEnds) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks = {500'000};
    bool refused = false;
    file.on_break = [&] { refused = true; };
    std::size_t refusals = 0;
    net::proxy_target target;
    target.resume_within = 20s;
    auto guarded = [&](exchange& e) -> rt::task<void> {
      if (refused) ++refusals, fail(disposition::denied, "Not any more.");
      co_await file(e);
    };
    co_await with_proxy(
        guarded,
        [&](web& w) -> rt::task<void> {
          EXPECT_TRUE((co_await get(w, {.target = "/file"})).cut);
          EXPECT_EQ(refusals, 1u);
        },
        target);
    fragile never_back;
    never_back.breaks = {500'000};
    never_back.busy = SIZE_MAX;
    co_await through_proxy(
        never_back,
        [&](web& w) -> rt::task<void> {
          EXPECT_TRUE((co_await get(w, {.target = "/file"})).cut);
          EXPECT_GT(never_back.asked.size(), 1u);
        },
        100ms);
  };
  run(body());
}

TEST_P(ProxyResume, WhoBreaksAfterEveryByteIsGivenUp) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks.assign(1000, 1);
    co_await through_proxy(file, [&](web& w) -> rt::task<void> {
      const auto a = co_await get(w, {.target = "/file"});
      EXPECT_TRUE(a.cut);
      EXPECT_TRUE(file.content.starts_with(a.body));
    });
    EXPECT_LT(file.asked.size(), 200u);
  };
  run(body());
}

TEST_P(ProxyResume, ARevokedRightEndsTheWait) {
  auto body = []() -> rt::task<void> {
    fragile file;
    file.breaks = {900'000};
    file.busy = SIZE_MAX;
    rt::event broke;
    file.on_break = [&] { broke.set(); };
    net::proxy_target target;
    target.resume_within = 20s;
    co_await with_server(
        [&file](exchange& e) { return file(e); }, {},
        [&](web& up) -> rt::task<void> {
          net::http_client towards;
          rt::task_node* forwarding = nullptr;
          rt::event ended;
          auto handle = [&](exchange& e) -> rt::task<void> {
            auto t = target;
            t.to = up.at;
            t.target = "/file";
            forwarding = &co_await rt::this_task();
            const at_end told{ended};
            co_await net::forward(e, towards, t);
          };
          co_await with_server(handle, {}, [&](web& w) -> rt::task<void> {
            auto c = co_await w.raw();
            co_await c.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
            co_await broke.wait();
            forwarding->cancel(rt::cancel_reason::revoked);  // the right has ended: at once, also while it waits
            co_await ended.wait();
          });
        });
  };
  run(body());
}

}  // namespace
}  // namespace atrium::tests
