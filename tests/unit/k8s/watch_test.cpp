#include "atrium/k8s/watch.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "atrium/k8s/json.hpp"
#include "atrium/k8s/status.hpp"

namespace atrium::k8s {
namespace {

using namespace std::chrono_literals;
using kind = reflector_machine::step::kind;
using verdict = reflector_machine::verdict;

constexpr rt::time_point t0{1000s};

std::string line(std::string_view type, std::string_view name, std::string_view version) {
  return boost::json::serialize(boost::json::object{
             {"type", type}, {"object", {{"metadata", {{"name", name}, {"resourceVersion", version}}}}}}) +
         "\n";
}

watch_event event_of(std::string_view type, std::string_view version) {
  watch_decoder d;
  d.feed(line(type, "a", version));
  return std::move(**d.next());
}

watch_event gone_event() {
  watch_decoder d;
  d.feed("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n");
  return std::move(**d.next());
}

TEST(WatchDecoder, GivesEachEventHoweverTheBytesAreCut) {
  const std::string stream = line("ADDED", "a", "1") + line("MODIFIED", "a", "2") + "\n" + line("DELETED", "a", "3");
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    watch_decoder d;
    std::vector<std::string> versions;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      d.feed(std::string_view(stream).substr(at, piece));
      for (;;) {
        auto e = d.next();
        ASSERT_TRUE(e.has_value());
        if (!*e) break;
        versions.push_back((*e)->resource_version);
      }
    }
    EXPECT_EQ(versions, (std::vector<std::string>{"1", "2", "3"})) << "cut every " << piece;
  }
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  for (std::string_view bad :
       {"not json\n", "[]\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":7}\n", "{\"type\":\"ADDED\n"}) {
    watch_decoder d;
    d.feed(bad);
    auto e = d.next();
    ASSERT_FALSE(e.has_value()) << bad;
    EXPECT_EQ(e.error().disposition(), disposition::invalid);
  }
}

TEST(WatchDecoder, SkipsEventTypesOfTheFuture) {
  watch_decoder d;
  d.feed(line("REWOUND", "a", "1") + line("ADDED", "b", "2"));
  auto e = d.next();
  ASSERT_TRUE(e && *e);
  EXPECT_EQ((*e)->resource_version, "2");
}

TEST(WatchDecoder, LimitsALineThatNeverEnds) {
  watch_decoder d(100);
  d.feed(std::string(101, 'x'));
  EXPECT_EQ(d.next().error().disposition(), disposition::overloaded);
}

TEST(Reflector, ListsThenWatchesFromTheListsVersion) {
  reflector_machine m({}, 1);
  auto s = m.next();
  EXPECT_EQ(s.what, kind::list);
  EXPECT_EQ(s.wait, 0s);
  EXPECT_FALSE(m.synced());
  m.listed(t0, "10");
  EXPECT_TRUE(m.synced());
  s = m.next();
  EXPECT_EQ(s.what, kind::watch);
  EXPECT_EQ(s.resource_version, "10");
  EXPECT_GE(s.timeout, 300s);
  EXPECT_LE(s.timeout, 600s);
}

TEST(Reflector, ResumesFromTheLastEventOrBookmark) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  m.next();
  m.watch_opened(t0);
  EXPECT_EQ(m.event(t0, event_of("ADDED", "11")), verdict::upsert);
  EXPECT_EQ(m.event(t0, event_of("DELETED", "12")), verdict::remove);
  EXPECT_EQ(m.event(t0, event_of("BOOKMARK", "20")), verdict::nothing);
  m.watch_ended(t0 + 300s, nullptr);
  auto s = m.next();
  EXPECT_EQ(s.what, kind::watch);
  EXPECT_EQ(s.resource_version, "20");
  EXPECT_EQ(s.wait, 0s);
}

TEST(Reflector, ListsAgainAfter410AndWaitsLongerEachTime) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  rt::duration last{};
  auto now = t0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(m.next().what, kind::watch);
    m.watch_opened(now);
    EXPECT_EQ(m.event(now, gone_event()), verdict::stop_watching);
    const auto s = m.next();
    EXPECT_EQ(s.what, kind::list);
    EXPECT_GE(s.wait, 200ms * (1 << i));
    EXPECT_LE(s.wait, 2 * 200ms * (1 << i));
    EXPECT_GT(s.wait, last / 2);
    last = s.wait;
    now += s.wait;
    m.listed(now, "11");
  }
}

TEST(Reflector, A410AsAnswerOfTheWatchRequestListsAgain) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  m.next();
  m.watch_opened(t0);
  const auto gone = error_of_status(410, "{}");
  m.watch_ended(t0, &gone);
  EXPECT_EQ(m.next().what, kind::list);
}

TEST(Reflector, ACutWatchGoesOnAtOnceAndARefusedOneWaits) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  m.next();
  m.watch_opened(t0);
  m.event(t0, event_of("ADDED", "11"));
  const error cut(disposition::disconnected, "cut");
  m.watch_ended(t0 + 60s, &cut);
  auto s = m.next();
  EXPECT_EQ(s.wait, 0s);
  EXPECT_EQ(s.resource_version, "11");
  m.watch_ended(t0 + 90s, &cut);  // not accepted: how long that took says nothing
  EXPECT_GE(m.next().wait, 200ms);
}

TEST(Reflector, AfterAWatchThatWorkedWaitsAreShortAgain) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  const error refused(disposition::disconnected, "refused");
  auto now = t0;
  for (int outage = 0; outage < 10; ++outage) {  // an API server that dies every few seconds
    for (int attempt = 0; attempt < 3; ++attempt) {
      m.next();
      m.watch_ended(now, &refused);
      const auto wait = m.next().wait;
      EXPECT_LE(wait, 2 * 200ms * (1 << attempt)) << "outage " << outage;
      now += wait;
    }
    m.watch_opened(now);
    now += 3s;
    m.watch_ended(now, &refused);
    EXPECT_EQ(m.next().wait, 0s);
  }
}

TEST(Reflector, AWatchThatEndsAtOnceWithoutEventsWaits) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  m.next();
  m.watch_opened(t0);
  m.watch_ended(t0 + 10ms, nullptr);
  EXPECT_GE(m.next().wait, 200ms);
}

TEST(Reflector, AQuietWatchIsStartedAnewFromWhereItWas) {
  reflector_machine m({}, 1);
  m.listed(t0, "10");
  m.next();
  m.watch_opened(t0);
  const error quiet(disposition::timed_out, "quiet");
  m.watch_ended(t0 + 90s, &quiet);
  const auto s = m.next();
  EXPECT_EQ(s.what, kind::watch);
  EXPECT_EQ(s.resource_version, "10");
}

TEST(Reflector, FailedListsBackOffToSomeSecondsAndStartOverAfterQuiet) {
  reflector_machine m({}, 7);
  auto now = t0;
  for (int i = 0; i < 20; ++i) {
    m.list_failed(now);
    const auto s = m.next();
    EXPECT_EQ(s.what, kind::list);
    EXPECT_LE(s.wait, 10s);
    if (i > 8) {
      EXPECT_GE(s.wait, 5s);
    }
    now += s.wait;
  }
  m.list_failed(now + 10min);
  EXPECT_LE(m.next().wait, 400ms);
}

}  // namespace
}  // namespace atrium::k8s
