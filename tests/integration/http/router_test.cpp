#include <gmock/gmock.h>

#include "tests/integration/http/fixture.hpp"

using namespace atrium;
using namespace atrium::net;
using namespace atrium::tests;

ATRIUM_ON_BACKENDS(HttpRouter);

namespace {

router example() {
  const auto shows = [](std::string name) -> handler {
    return [name](exchange& x) -> rt::task<void> {
      std::string text = name;
      for (const char* p : {"a", "b", "rest"})
        if (!x.parameter(p).empty()) text += std::string(" ") + p + "=" + std::string(x.parameter(p));
      co_await x.respond(response::text(200, text + " on " + x.route()));
    };
  };
  router r;
  r.add("GET", "/", shows("root"));
  r.add("GET", "/x/{a}", shows("parameter"));
  r.add("GET", "/x/literal", shows("literal"));
  r.add("POST", "/x/{a}", shows("post"));
  r.add("*", "/x/{rest*}", shows("rest"));
  r.add("GET", "/y/{a}/z/{b}", shows("two"));
  r.add("PUT", "/put", shows("put"));
  return r;
}

}  // namespace

TEST_P(HttpRouter, FindsTheMostExactRoute) {
  run(with_server(example(), {}, [](web& w) -> rt::task<void> {
    const auto ask = [&](std::string method, std::string target) {
      return w.client.fetch(w.at, {.method = method, .target = target});
    };
    EXPECT_EQ((co_await ask("GET", "/?q")).body, "root on /");
    EXPECT_EQ((co_await ask("GET", "/x/literal")).body, "literal on /x/literal");
    EXPECT_EQ((co_await ask("GET", "/x/a%2Fb%20c")).body, "parameter a=a/b c on /x/{a}");
    EXPECT_EQ((co_await ask("POST", "/x/literal")).body, "post a=literal on /x/{a}");
    EXPECT_EQ((co_await ask("DELETE", "/x/literal")).body, "rest rest=literal on /x/{rest*}");
    EXPECT_EQ((co_await ask("GET", "/x/p/q/")).body, "rest rest=p/q/ on /x/{rest*}");
    EXPECT_EQ((co_await ask("GET", "/x/")).body, "rest on /x/{rest*}");
    EXPECT_EQ((co_await ask("GET", "/y/1/z/2")).body, "two a=1 b=2 on /y/{a}/z/{b}");
    EXPECT_EQ((co_await ask("HEAD", "/x/literal")).status, 200u);
    for (const char* target : {"/x", "/y/1/z", "/y//z/2", "/nothing", "/X/literal"})
      EXPECT_EQ((co_await ask("GET", target)).status, 404u) << target;
    for (const char* target : {"/x/../y", "/x/%2e%2E/y", "/x/./y", "/x/%zz", "/x/%00"})
      EXPECT_EQ((co_await ask("GET", target)).status, 400u) << target;
    const auto wrong = co_await ask("GET", "/put");
    EXPECT_EQ(wrong.status, 405u);
    EXPECT_EQ(wrong.headers.find("Allow"), "PUT");
  }));
}
