#include "atrium/base/settings.hpp"

#include <gmock/gmock.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <map>

using namespace atrium;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

struct options {
  std::string root = "/srv", token;
  std::uint16_t port = 8080;
  std::chrono::nanoseconds grace = std::chrono::seconds(10);
  std::vector<std::string> names;
  bool verbose = false;
};

struct fixture : testing::Test {
  options o;
  std::map<std::string, std::string> environment;
  settings s{"demo", "shows settings"};
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("atrium-settings-" + std::to_string(::getpid()) + ".yaml");

  fixture() {
    s.add("root", "DIR", "folder", o.root);
    s.add("token", "TEXT", "shared secret", o.token).secret();
    s.add("port", "N", "port", o.port);
    s.add("grace", "TIME", "how long", o.grace);
    s.add("name", "NAME", "names", o.names);
    s.add("verbose", "says more", o.verbose);
  }
  ~fixture() override { std::filesystem::remove(file); }

  result<bool> apply(std::vector<std::string> arguments) {
    return s.apply(arguments, [this](const char* name) -> const char* {
      auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  }
  std::string complaint(std::vector<std::string> arguments) {
    auto r = apply(std::move(arguments));
    return r ? "" : r.error().public_text();
  }
  void write(const std::string& yaml) { std::ofstream(file) << yaml; }
};

using Settings = fixture;

TEST_F(Settings, DefaultsStayWithoutSources) {
  auto r = apply({});
  ASSERT_TRUE(r.has_value());
  EXPECT_FALSE(*r);
  EXPECT_EQ(o.root, "/srv");
  EXPECT_EQ(o.port, 8080);
}

TEST_F(Settings, FlagsWinOverVariablesOverFile) {
  write("root: /file\nport: 1\ngrace: 5m\ndemo:\n  grace: 90s\nother:\n  root: /other\nunknown-here: 7\n");
  environment = {{"ATRIUM_ROOT", "/env"}, {"ATRIUM_PORT", "2"}};
  ASSERT_EQ(complaint({"--config", file.string(), "--port=3"}), "");
  EXPECT_EQ(o.root, "/env");
  EXPECT_EQ(o.port, 3);
  EXPECT_EQ(o.grace, std::chrono::seconds(90));
  EXPECT_THAT(s.describe(), testing::Contains("port=3 (--port)"));
}

TEST_F(Settings, ConfigFileMayComeFromTheEnvironment) {
  write("port: 17\n");
  environment = {{"ATRIUM_CONFIG", file.string()}};
  ASSERT_EQ(complaint({}), "");
  EXPECT_EQ(o.port, 17);
}

TEST_F(Settings, ListsComeFromEverySourceAndReplaceEachOther) {
  write("name: [a, b]\n");
  ASSERT_EQ(complaint({"--config", file.string()}), "");
  EXPECT_THAT(o.names, ElementsAre("a", "b"));
  environment = {{"ATRIUM_NAME", "c,d,"}};
  ASSERT_EQ(complaint({"--config", file.string()}), "");
  EXPECT_THAT(o.names, ElementsAre("c", "d"));
  ASSERT_EQ(complaint({"--name", "e", "--name=f"}), "");
  EXPECT_THAT(o.names, ElementsAre("e", "f"));
}

TEST_F(Settings, SwitchesHaveThreeForms) {
  ASSERT_EQ(complaint({"--verbose"}), "");
  EXPECT_TRUE(o.verbose);
  ASSERT_EQ(complaint({"--no-verbose"}), "");
  EXPECT_FALSE(o.verbose);
  ASSERT_EQ(complaint({"--verbose=true"}), "");
  EXPECT_TRUE(o.verbose);
  EXPECT_THAT(complaint({"--verbose=maybe"}), HasSubstr("true or false"));
  EXPECT_THAT(complaint({"--no-root"}), HasSubstr("there is no flag --no-root"));
}

TEST_F(Settings, WrongInputIsExplained) {
  EXPECT_THAT(complaint({"--prt", "1"}), HasSubstr("did you mean --port?"));
  EXPECT_THAT(complaint({"--port"}), HasSubstr("needs a value"));
  EXPECT_THAT(complaint({"--port", "70000"}), HasSubstr("out of range"));
  EXPECT_THAT(complaint({"--port", "1x"}), HasSubstr("a number"));
  EXPECT_THAT(complaint({"--grace", "10"}), HasSubstr("a time with its unit"));
  EXPECT_THAT(complaint({"stray"}), HasSubstr("'stray' is not expected"));
  EXPECT_THAT(complaint({"--config", "/does/not/exist"}), HasSubstr("cannot be read"));
  write("demo: {prot: 1}\n");
  EXPECT_THAT(complaint({"--config", file.string()}), HasSubstr("no setting prot"));
  write("root: [a\n");
  EXPECT_THAT(complaint({"--config", file.string()}), HasSubstr("line"));
  write("port: [1, 2]\n");
  EXPECT_THAT(complaint({"--config", file.string()}), HasSubstr("needs one value"));
}

TEST_F(Settings, RequiredAndChoicesAreChecked) {
  std::string mode, where;
  s.add("mode", "MODE", "how", mode).one_of({"fast", "safe"});
  s.add("where", "PLACE", "the place", where).required();
  EXPECT_THAT(complaint({"--where", "x", "--mode", "odd"}), HasSubstr("one of fast, safe"));
  EXPECT_THAT(complaint({"--mode", "fast"}), HasSubstr("--where PLACE is needed (or ATRIUM_WHERE)"));
  environment = {{"ATRIUM_WHERE", "there"}};
  EXPECT_EQ(complaint({"--mode", "fast"}), "");
}

TEST_F(Settings, SecretsAreNeverShown) {
  environment = {{"ATRIUM_TOKEN", "hunter2"}};
  ASSERT_EQ(complaint({}), "");
  EXPECT_EQ(o.token, "hunter2");
  EXPECT_THAT(s.describe(), testing::Contains("token=*** (ATRIUM_TOKEN)"));
  EXPECT_THAT(s.help(), Not(HasSubstr("hunter2")));
  std::uint16_t pin = 0;
  s.add("pin", "N", "secret number", pin).secret();
  EXPECT_THAT(complaint({"--pin", "hunter3"}), Not(HasSubstr("hunter3")));
}

TEST_F(Settings, HelpListsEverySetting) {
  auto r = apply({"--nonsense-after-help", "x"});
  EXPECT_FALSE(r.has_value());
  r = apply({"--help"});
  ASSERT_TRUE(r.has_value());
  EXPECT_TRUE(*r);
  for (const char* name : {"--config FILE", "--root DIR", "ATRIUM_ROOT", "--port N", "[8080]", "--verbose"})
    EXPECT_THAT(s.help(), HasSubstr(name));
}

TEST_F(Settings, OperandsAreCollected) {
  std::vector<std::string> files;
  s.operands("FILE...", files);
  ASSERT_EQ(complaint({"a", "--port", "1", "--", "--b"}), "");
  EXPECT_THAT(files, ElementsAre("a", "--b"));
}

TEST(Durations, AreReadWithTheirUnit) {
  EXPECT_EQ(*parse_duration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(*parse_duration("1.5h"), std::chrono::minutes(90));
  EXPECT_EQ(*parse_duration("0s"), std::chrono::seconds(0));
  for (const char* bad : {"", "s", "1", "-1s", "1 s", "1y", "1e9h", "nan", "infs", "99999999999d"})
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
}

}  // namespace
