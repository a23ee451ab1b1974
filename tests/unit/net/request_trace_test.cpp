#include "net/src/request_trace.hpp"

#include <gtest/gtest.h>

#include "atrium/rt/loop.hpp"

namespace atrium::net {
namespace {

constexpr const char* digits = "0af7651916cd43dd8448eb211c80319c";
const std::string parent = "00-" + std::string(digits) + "-b7ad6b7169203331-01";

request with(headers all, std::string target = "/") {
  return {.method = "GET", .target = std::move(target), .headers = std::move(all)};
}

TEST(RequestTrace, TheOneValidFieldIsTakenOver) {
  EXPECT_EQ(trace_of(with({{"traceparent", parent}}), nullptr).text(), digits);
  EXPECT_EQ(trace_of(with({{"Traceparent", parent}}), nullptr).text(), digits);
}

TEST(RequestTrace, WhatIsNotValidIsReplaced) {
  for (const auto& bad : {headers{}, headers{{"traceparent", parent + "x"}}, headers{{"traceparent", ""}},
                          headers{{"traceparent", parent}, {"traceparent", parent}},
                          headers{{"traceparent", parent}, {"TRACEPARENT", "00"}}}) {
    const auto made = trace_of(with(bad), nullptr);
    EXPECT_TRUE(made);
    EXPECT_NE(made.text(), digits);
    EXPECT_NE(made, trace_of(with(bad), nullptr)) << "each request has one of its own";
  }
}

TEST(RequestTrace, ForeignOnesAreReplaced) {
  const trace_policy nobody = [](const request&) { return false; };
  EXPECT_NE(trace_of(with({{"traceparent", parent}}), nobody).text(), digits);
}

TEST(RequestTrace, WebSocketsBringItInTheQuery) {
  const auto target = "/ws?a=1&traceparent=" + parent;
  EXPECT_EQ(trace_of(with({{"Upgrade", "websocket"}}, target), nullptr).text(), digits);
  EXPECT_NE(trace_of(with({}, target), nullptr).text(), digits) << "only there";
  EXPECT_NE(trace_of(with({{"Upgrade", "websocket"}}, "/ws?traceparent=%00"), nullptr).text(), digits);
}

TEST(RequestTrace, WhatIsSentSaysWhatTheTaskWorksFor) {
  rt::loop loop(rt::backend_kind::epoll);
  loop.run([]() -> rt::task<void> {
    headers none;
    set_traceparent(none);
    EXPECT_EQ(none.size(), 0u) << "a task without a trace sends none";
    const rt::trace_region traced(co_await rt::this_task(), trace::parse(digits));
    headers same{{"traceparent", parent}}, foreign{{"traceparent", trace::to_traceparent(trace::make())}, {"a", "b"}};
    set_traceparent(none);
    set_traceparent(same);
    set_traceparent(foreign);
    EXPECT_EQ(trace::parse_traceparent(none.find("traceparent").value()).text(), digits);
    EXPECT_EQ(same.find("traceparent"), parent) << "left as it came";
    EXPECT_EQ(trace::parse_traceparent(foreign.find("traceparent").value()).text(), digits);
    EXPECT_EQ(foreign.size(), 2u);
  }());
}

}  // namespace
}  // namespace atrium::net
