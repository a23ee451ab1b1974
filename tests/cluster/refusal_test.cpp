// What a real API server refuses, and what it does when it goes away: our client and its informer come through, without
// an object lost or told twice.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "tests/cluster/account.hpp"
#include "tests/cluster/follower.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
namespace kinds = k8s::resources;
using namespace std::chrono_literals;

/// body(site, account) with an account of its own; the account's client is the body's to make.
template <class Body>
void run(const char* name, Body body, rt::duration limit = 120s) {
  rt::loop loop;
  auto whole = [name](Body& b) -> rt::task<void> {
    site s;
    account a(s, name);
    co_await a.make();
    co_await b(s, a);
  };
  loop.run(rt::with_timeout(limit, whole(body)));
}

/// An administrator at work on the objects that a follower follows. Every change is tried until it is done, whatever is
/// broken meanwhile; whether an attempt that failed had taken effect is found out by the next one.
class changer {
 public:
  changer(site& s, std::string ns) : api_(s.api()), ns_(std::move(ns)) {}
  const follower::numbers& there() const noexcept { return there_; }

  rt::task<void> put(std::string name) {
    const auto number = ++number_;
    const json::object data{{"n", std::to_string(number)}};
    const bool known = there_.contains(name);
    co_await surely([&, this]() -> rt::task<void> {
      try {
        if (known) co_await api_.patch(kinds::configmaps, ns_, name, k8s::patch_type::merge, {{"data", data}});
        else
          co_await api_.create(kinds::configmaps, ns_,
                               {{"metadata", {{"name", name}, {"labels", {{follower::label, ""}}}}}, {"data", data}});
      } catch (const failure& f) {
        if (known || f.error().code() != k8s::code_exists) throw;
      }
    });
    there_[name] = number;
  }
  rt::task<void> remove(std::string name) {
    co_await surely([&, this]() -> rt::task<void> {
      try {
        co_await api_.remove(kinds::configmaps, ns_, name);
      } catch (const failure& f) {
        if (f.disposition() != disposition::not_found) throw;
      }
    });
    there_.erase(name);
  }
  /// m<first> to m<last - 1>
  rt::task<void> put_all(int first, int last) {
    for (int i = first; i < last; ++i) co_await put(name_of(i));
  }
  /// One change after the other, of each kind, until it is told to stop.
  rt::task<void> go_on(const bool& stop) {
    for (int i = 0;; ++i) {
      if (stop) co_return;
      const auto name = name_of(i % 20);
      if (i % 3 == 2 && there_.contains(name)) co_await remove(name);
      else co_await put(name);
    }
  }
  static std::string name_of(int i) { return "m" + std::to_string(i); }

 private:
  template <class Attempt>
  rt::task<void> surely(Attempt attempt) {
    co_await eventually(60s, attempt);
  }
  k8s::client& api_;
  std::string ns_;
  follower::numbers there_;
  int number_ = 0;
};

/// How a list ends: nothing when well.
rt::task<std::optional<disposition>> outcome(k8s::client& api, std::string ns) {
  try {
    co_await api.list_page(kinds::configmaps, ns, {.limit = 1});
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    co_return f.disposition();
  }
  co_return std::nullopt;
}

/// Returns when a list ends in this way.
rt::task<void> until(k8s::client& api, std::string ns, disposition wanted) {
  co_await eventually(60s, [&]() -> rt::task<void> {
    if (co_await outcome(api, ns) != wanted) fail(disposition::failed, "The API server has not noticed yet.");
  });
}

TEST(Refusal, AnInformerWhoseVersionIsCompactedAwayListsAnew) {
  run("gone", [](site& s, account& a) -> rt::task<void> {
    k8s::client api(a.config());
    changer admin(s, a.name());
    co_await admin.put_all(0, 40);
    follower maps(api, a.name());
    const auto lists = follower::lists();
    auto body = [&](rt::scope& tasks) -> rt::task<void> {
      tasks.spawn(maps.run(), "informer");
      co_await maps.wait_for(admin.there());
      const auto seen = (co_await s.api().list(kinds::configmaps, a.name())).resource_version;
      // Without permission it cannot watch on when its watch breaks off, and misses what happens.
      co_await a.forbid();
      co_await until(api, a.name(), disposition::denied);
      co_await s.kube({"restart", "api"});
      co_await admin.put_all(30, 50);
      for (int i = 0; i < 10; ++i) co_await admin.remove(changer::name_of(i));
      co_await s.kube({"compact"});
      co_await s.kube({"restart", "api"});  // which forgets what it remembered beside etcd
      EXPECT_EQ(follower::lists() - lists, 1u);
      std::string code;
      try {
        auto old = co_await s.api().watch(kinds::configmaps, a.name(), {.resource_version = seen});
        if (const auto e = co_await old->next(); e && e->type == k8s::watch_event_type::error)
          code = "k8s." + std::to_string(k8s::integer_at(*e->object, {"code"}));
      } catch (const failure& f) {
        code = f.error().code();
      }
      EXPECT_EQ(code, k8s::code_gone) << "nobody can watch on from there";
      co_await a.allow();
      co_await maps.wait_for(admin.there());
      tasks.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
    EXPECT_EQ(follower::lists() - lists, 2u) << "one list for the 410, and only for that";
    EXPECT_EQ(maps.added(), 50);
    EXPECT_EQ(maps.removed(), 10);
  });
}

TEST(Refusal, AListWhosePagesAreCompactedAwayStartsOver) {
  run("pages", [](site& s, account& a) -> rt::task<void> {
    k8s::client api(a.config());
    changer admin(s, a.name());
    co_await admin.put_all(0, 30);
    follower maps(api, a.name(), 10);
    bool first = true;
    maps.on_read = [&](const json::value&) {
      if (!std::exchange(first, false)) return;
      // While its first page is read: an object of that page goes, and the state that the pages show is forgotten.
      const auto words = "kubectl -n " + a.name() + " delete configmap m0 >&2 && \"$ATRIUM_TEST_KUBE\" compact && " +
                         "\"$ATRIUM_TEST_KUBE\" restart api";
      EXPECT_EQ(std::system(words.c_str()), 0);
    };
    const auto lists = follower::lists();
    auto body = [&](rt::scope& tasks) -> rt::task<void> {
      tasks.spawn(maps.run(), "informer");
      co_await maps.wait_synced();
      auto left = admin.there();
      left.erase("m0");
      co_await maps.wait_for(left);
      tasks.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
    EXPECT_EQ(follower::lists() - lists, 2u);
    EXPECT_EQ(maps.added(), 30);
    EXPECT_EQ(maps.removed(), 1);
  });
}

TEST(Refusal, TooManyRequestsAreWaitedOut) {
  run("many", [](site& s, account& a) -> rt::task<void> {
    one_place place(s, a.name(), a.name(), "configmaps");
    co_await place.take();
    const auto before = co_await place.refused();
    k8s::client patient(a.config(), {.retry_limit = 90s}), hasty(a.config(), {.retry_limit = 0s});
    auto object = [](int i) { return json::value{{"metadata", {{"name", changer::name_of(i)}}}}; };
    const auto began = rt::clock::now();
    auto body = [&](rt::scope& tasks) -> rt::task<void> {
      auto make = [&](int i) -> rt::task<void> { co_await patient.create(kinds::configmaps, a.name(), object(i)); };
      for (int i = 0; i < 20; ++i) tasks.spawn(make(i), "create");
      co_await eventually(60s, [&]() -> rt::task<void> {
        if (co_await place.refused() < before + 20) fail(disposition::failed, "not refused yet");
      });
      EXPECT_TRUE(
          (co_await s.api().list(kinds::configmaps, a.name(), {.field_selector = "metadata.name=m0"})).items->empty());
      try {
        co_await hasty.create(kinds::configmaps, a.name(), object(99));
        ADD_FAILURE() << "the place is taken";
      } catch (const failure& f) {
        EXPECT_EQ(f.disposition(), disposition::overloaded);
        EXPECT_EQ(f.error().code(), "k8s.429");
      }
      co_await place.give_back();
    };
    co_await rt::with_scope(body);
    EXPECT_GE(rt::clock::now() - began, 1s) << "Retry-After is a second at least";
    const auto all = co_await s.api().list(kinds::configmaps, a.name());
    int made = 0;
    for (const auto& item : *all.items) made += k8s::text_at(item, {"metadata", "name"}).starts_with("m");
    EXPECT_EQ(made, 20) << "each once, and nothing of what gave up";
  });
}

TEST(Refusal, AnExpiredTokenIsReplacedByTheOneInTheFile) {
  run("expired", [](site& s, account& a) -> rt::task<void> {
    a.write_token(co_await a.token(5));
    // It would not look into the file by itself for an hour.
    k8s::client api(a.config(), {.token_age = 1h}), of_old_token(a.config_of_this_token());
    changer admin(s, a.name());
    co_await admin.put_all(0, 10);
    follower maps(api, a.name());
    const auto lists = follower::lists();
    bool in_time = false;
    auto body = [&](rt::scope& tasks) -> rt::task<void> {
      tasks.spawn(maps.run(), "informer");
      co_await until(of_old_token, a.name(), disposition::unauthenticated);
      in_time = maps.told() == admin.there();
      EXPECT_EQ(co_await outcome(api, a.name()), disposition::unauthenticated) << "there is no other token yet";
      co_await admin.put_all(5, 15);
      a.write_token(co_await a.token(600));
      EXPECT_EQ(co_await outcome(api, a.name()), std::nullopt);
      co_await maps.wait_for(admin.there());
      tasks.cancel(rt::cancel_reason::requested);
    };
    co_await rt::with_scope(body);
    if (in_time) EXPECT_EQ(follower::lists() - lists, 1u) << "its watch goes on from where it was";
    EXPECT_EQ(maps.added(), 15);
  });
}

TEST(Refusal, ATokenWhoseObjectIsGoneIsReplacedByTheOneInTheFile) {
  run("bound", [](site& s, account& a) -> rt::task<void> {
    a.write_token(co_await a.token_bound_to("first"));
    k8s::client api(a.config(), {.token_age = 1h}), of_old_token(a.config_of_this_token());
    co_await api.create(
        kinds::pods, a.name(),
        {{"metadata", {{"name", "p"}}},
         {"spec",
          {{"terminationGracePeriodSeconds", 0},
           {"containers",
            json::array{{{"name", "main"}, {"image", "atrium:local"}, {"command", json::array{"sleep", "1000"}}}}}}}});
    co_await s.kubectl({"-n", a.name(), "wait", "pod/p", "--for=condition=Ready", "--timeout=60s"});
    EXPECT_EQ((co_await api.run(a.name(), "p", {.command = {"echo", "before"}})).standard_output, "before\n");

    co_await s.kubectl({"-n", a.name(), "delete", "secret", "first"});
    co_await until(of_old_token, a.name(), disposition::unauthenticated);
    a.write_token(co_await a.token_bound_to("second"));
    EXPECT_EQ((co_await api.run(a.name(), "p", {.command = {"echo", "after"}})).standard_output, "after\n")
        << "commands in containers go another way than calls";
    EXPECT_EQ(co_await outcome(api, a.name()), std::nullopt);
    co_await api.remove(kinds::pods, a.name(), "p");
  });
}

rt::task<void> restart(site& s, std::string part, bool& done) {
  co_await s.kube({"restart", std::move(part)});
  done = true;
}

TEST(Refusal, AnInformerFollowsThroughKillsOfTheApiServerAndOfEtcd) {
  run(
      "kills",
      [](site& s, account& a) -> rt::task<void> {
        k8s::client api(a.config());
        changer admin(s, a.name());
        co_await admin.put_all(0, 20);
        follower maps(api, a.name());
        auto body = [&](rt::scope& tasks) -> rt::task<void> {
          tasks.spawn(maps.run(), "informer");
          for (const char* part : {"api", "etcd", "api", "etcd"}) {
            co_await maps.wait_for(admin.there());
            bool back = false;
            co_await rt::all(admin.go_on(back), restart(s, part, back));
          }
          co_await maps.wait_for(admin.there());
          tasks.cancel(rt::cancel_reason::requested);
        };
        co_await rt::with_scope(body);
        const auto all = co_await s.api().list(kinds::configmaps, a.name(), {.label_selector = follower::label});
        EXPECT_EQ(all.items->size(), maps.told().size());
        EXPECT_EQ(maps.added() - maps.removed(), static_cast<int>(maps.told().size()));
      },
      240s);
}

}  // namespace
}  // namespace atrium::tests
