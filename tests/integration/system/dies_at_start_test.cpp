// Projects that cannot start: the person who asked is told why, the request is over, nothing spins, and when the
// operator has mended it the same project starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct trouble {
  const char *what, *file, *from, *to;
  const char* told;  ///< part of the sentence for people
  bool has_pod;      ///< the cluster tries again in growing intervals until somebody stops the project
};

constexpr trouble troubles[] = {
    {"the server ends at once", "project-pod.yaml", "command: [atrium, project]", "command: [sh, -c, exit 3]",
     "ends as soon as it is started (exit code 3", true},
    {"there is no such program", "project-pod.yaml", "command: [atrium, project]", "command: [no-such-program]",
     "The project's", true},
    {"there is no such image", "project-image.yaml", "image: atrium/project", "image: missing/project",
     "software image cannot be loaded", true},
    {"the template is no pod", "project-pod.yaml",
     "containers:", "containers: [{name: 5, ports: nonsense}]\n  old:", "pod", false},
};

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

rt::task<json::object> state_of(person& who, std::string project) {
  auto v = co_await who.api(
      "user-query",
      {{"query", {{"projects", {{{"project_id", project}, {"state", nullptr}, {"action_request", nullptr}}}}}}});
  co_return v.at("query").at("projects").at(0).as_object();
}

rt::task<void> one_trouble(running_system& system, person& ada, std::string project, const trouble& t) {
  const auto path = system.state() + "/s/config/" + t.file;
  const auto good = read_all(path);
  auto bad = good;
  const auto at = bad.find(t.from);
  EXPECT_NE(at, std::string::npos) << t.what;
  bad.replace(at, std::string_view(t.from).size(), t.to);
  co_await system.stop();
  std::ofstream(path) << bad;
  co_await system.start();

  const auto began = rt::clock::now();
  const auto answer = co_await ada.api("projects/start", {{"project_id", project}});
  const auto* told = answer.as_object().if_contains("error");
  EXPECT_TRUE(told) << t.what << ": it started";
  if (!told) co_return;
  const std::string sentence(told->as_string());
  std::printf("%s: %.1f s: %s\n", t.what, std::chrono::duration<double>(rt::clock::now() - began).count(),
              sentence.c_str());
  EXPECT_THAT(sentence, HasSubstr(t.told)) << t.what;
  for (const char* inner : {"/tmp", "postgres", "at apps/"}) EXPECT_THAT(sentence, Not(HasSubstr(inner))) << t.what;
  // The request is over, and stays so; the state says the same.
  auto row = co_await state_of(ada, project);
  EXPECT_TRUE(row.at("action_request").as_object().contains("finished")) << json::serialize(row);
  EXPECT_THAT(json::serialize(row.at("state")), HasSubstr(t.has_pod ? "starting" : "opened")) << t.what;
  EXPECT_THAT(json::serialize(row.at("state")), HasSubstr(sentence.substr(0, 20))) << t.what;
  if (t.has_pod)
    EXPECT_FALSE((co_await ada.api("projects/stop", {{"project_id", project}})).as_object().contains("error"))
        << t.what;
  row = co_await state_of(ada, project);
  EXPECT_THAT(json::serialize(row.at("state")), HasSubstr("opened")) << t.what;

  co_await system.stop();
  std::ofstream(path) << good;
  co_await system.start();
}

TEST(DiesAtStart, EachReasonIsToldAndTheProjectStartsWhenItIsMended) {
  auto body = []() -> rt::task<void> {
    running_system system;
    co_await system.start();
    person ada(system);
    co_await ada.sign_up("ada@example.org", "Ada");
    const auto made = co_await ada.api("projects/create", {{"title", "Unlucky"}});
    const std::string project(made.at("project_id").as_string());
    for (const auto& t : troubles) co_await one_trouble(system, ada, project, t);
    EXPECT_FALSE((co_await ada.api("projects/start", {{"project_id", project}})).as_object().contains("error"));
    EXPECT_EQ(co_await ada.shell(project, "echo mended"), "mended\n");
    co_await system.stop();
  };
  rt::loop loop;
  loop.run(rt::with_timeout(200s, body()));
}

}  // namespace
}  // namespace atrium::tests
