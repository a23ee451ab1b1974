#include "tests/integration/project/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(Terminal);

const json::object standard{{"terminal", "t"}, {"cols", 100}, {"rows", 30}};

json::object with(json::object o, std::string key, json::value v) {
  o[key] = std::move(v);
  return o;
}

PROJECT_TEST(Terminal, TwoPeopleShareOneAndTheSmallestSizeWins) {
  auto a = co_await browser::connect(server, ann, "Ann"), b = co_await browser::connect(server, bob, "Bob");
  const auto ours = co_await a->call("terminal.open", standard);
  const auto channel = number_of(ours.at("channel"));
  co_await a->type(channel, "stty size; echo $((6*7))-mark\n");
  co_await a->shows(channel, "30 100");
  co_await a->shows(channel, "42-mark");
  const auto theirs = co_await b->call("terminal.open", with(standard, "cols", 60));
  const auto other = number_of(theirs.at("channel"));
  EXPECT_GT(number_of(theirs.at("replay")), 0);
  EXPECT_EQ(theirs.at("viewers").as_array().size(), 2u);
  co_await b->shows(other, "42-mark");
  const auto size = co_await a->event("terminal.size");
  EXPECT_EQ(number_of(size.at("cols")), 60);
  EXPECT_EQ(number_of(size.at("rows")), 30);
  co_await b->type(other, "stty size; echo from-$((1+1))\n");
  co_await a->shows(channel, "30 60");
  co_await a->shows(channel, "from-2");
  co_await b->shows(other, "from-2");
  co_await a->event("terminal.viewers", [](const auto& e) { return e.at("users").as_array().size() == 2; });
  co_await b->call("terminal.close", {{"channel", other}});
  const auto back = co_await a->event("terminal.size");
  EXPECT_EQ(number_of(back.at("cols")), 100);
  co_await a->type(channel, "printf '\\033]0;my title\\007'; exit 7\n");
  const auto title = co_await a->event("terminal.title");
  EXPECT_EQ(text_of(title.at("title")), "my title");
  EXPECT_EQ(number_of((co_await a->event("terminal.exit")).at("code")), 7);
  EXPECT_TRUE((co_await a->call("terminal.list")).at("terminals").as_array().empty());
}

PROJECT_TEST(Terminal, OutlivesItsViewersAndShowsThePastAgain) {
  auto a = co_await browser::connect(server);
  const auto channel = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  co_await a->type(channel, "echo before-$((2*3)); cat\n");
  co_await a->shows(channel, "before-6");
  a.reset();  // the laptop sleeps
  a = co_await browser::connect(server);
  const auto again = co_await a->call("terminal.open", standard);
  const auto second = number_of(again.at("channel"));
  co_await a->until(
      [&] { return a->output[second].size() >= static_cast<std::size_t>(number_of(again.at("replay"))); });
  EXPECT_NE(a->output[second].find("before-6"), std::string::npos);
  co_await a->type(second, "still here\n");
  co_await a->until([&] { return a->output[second].find("still here\r\nstill here") != std::string::npos; });
  co_await a->call("terminal.kill", {{"terminal", "t"}});
  co_await a->event("terminal.exit");
}

PROJECT_TEST(Terminal, EndlessOutputStopsAtTheCreditAndTheInterruptGetsThrough) {
  auto a = co_await browser::connect(server);
  a->acknowledges = false;
  const auto channel = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  co_await a->type(channel, "yes\n");
  co_await a->until([&] { return a->output[channel].size() >= 512 * 1024; });
  co_await a->call("ping");
  co_await rt::sleep_for(200ms);
  co_await a->call("ping");
  EXPECT_EQ(a->output[channel].size(), 512u * 1024u);
  co_await a->type(channel, "\x03");
  co_await a->type(channel, "echo quiet-$((40+2))\n");
  a->acknowledges = true;
  co_await a->send("terminal.ack", {{"channel", channel}, {"bytes", a->output[channel].size()}});
  co_await a->shows(channel, "quiet-42");
  EXPECT_LT(a->output[channel].size(), 4u << 20) << "the program was stopped, not its output thrown away";
}

PROJECT_TEST(Terminal, AViewerThatStandsStillHoldsTheOthersUpForTenSecondsOnly) {
  auto a = co_await browser::connect(server, ann, "Ann"), b = co_await browser::connect(server, bob, "Bob");
  a->acknowledges = false;
  const auto asleep = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  const auto awake = number_of((co_await b->call("terminal.open", standard)).at("channel"));
  co_await b->type(awake, "yes\n");
  co_await a->until([&] { return a->output[asleep].size() >= 512 * 1024; });
  co_await b->until([&] { return b->output[awake].size() > 4u << 20; });
  a->acknowledges = true;  // it wakes up: what it missed is gone, so it gets the rest from a clean start
  co_await a->send("terminal.ack", {{"channel", asleep}, {"bytes", a->output[asleep].size()}});
  const auto resync = co_await a->event("terminal.resync");
  EXPECT_GT(number_of(resync.at("replay")), 1 << 20);
  co_await b->type(awake, "\x03");
  co_await b->type(awake, "echo quiet-$((40+2))\n");
  rt::scope both(&co_await rt::this_task());
  both.spawn(a->shows(asleep, "quiet-42"), "a");
  both.spawn(b->shows(awake, "quiet-42"), "b");
  co_await both.join();
}

PROJECT_TEST(Terminal, AnInterruptOvertakesInputThatNobodyReads) {
  auto a = co_await browser::connect(server);
  const auto channel = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  co_await a->type(channel, "stty -echo; sh -c 'echo ready-$((1+1)); exec sleep 1000'\n");
  co_await a->shows(channel, "ready-2");
  std::string paste;
  while (paste.size() < 600'000) paste += "a line that nobody reads\n";
  co_await a->type(channel, paste);
  co_await a->type(channel, paste);
  EXPECT_EQ(number_of((co_await a->event("terminal.input_refused")).at("channel")), channel);
  co_await a->type(channel, "\x03");
  co_await a->type(channel, "\necho awake-$((1+1))\n");
  co_await a->shows(channel, "awake-2");
}

PROJECT_TEST(Terminal, NothingIsLostOfALongOutput) {
  auto a = co_await browser::connect(server);
  const auto channel = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  co_await a->type(channel, "stty -echo; clear; seq 1 400000; echo all-$((1+1))\n");
  co_await a->shows(channel, "all-2\r\n");
  std::string expected;
  for (int i = 1; i <= 400'000; ++i) expected += std::to_string(i) + "\r\n";
  const auto start = a->output[channel].find("1\r\n2\r\n3\r\n");
  EXPECT_NE(start, std::string::npos);
  EXPECT_EQ(a->output[channel].compare(start, expected.size(), expected), 0);
}

PROJECT_TEST(Terminal, ProgramsSeeNoSecretsAndASaneEnvironment) {
  auto a = co_await browser::connect(server);
  const auto channel = number_of((co_await a->call("terminal.open", standard)).at("channel"));
  co_await a->type(channel, "env; cat /proc/$PPID/environ | tr '\\0' '\\n'; echo end-$((3*3))\n");
  co_await a->shows(channel, "end-9");
  const auto& out = a->output[channel];
  EXPECT_EQ(out.find(secret), std::string::npos);
  EXPECT_NE(out.find("TERM=xterm-256color"), std::string::npos);
  EXPECT_NE(out.find("HOME=" + server.home().string()), std::string::npos);
  EXPECT_EQ(out.find("ATRIUM_POD_SOCKETS=/tmp/atrium-project-XXXXXX"), std::string::npos);
}

PROJECT_TEST(Terminal, RefusesWithASentence) {
  auto a = co_await browser::connect(server);
  EXPECT_EQ((co_await a->refused("terminal.open", with(standard, "terminal", "a\nb"))).disposition(),
            disposition::invalid);
  EXPECT_EQ((co_await a->refused("terminal.open", with(standard, "cols", -1))).disposition(), disposition::invalid);
  EXPECT_EQ((co_await a->refused("terminal.open", with(standard, "path", "../.."))).disposition(),
            disposition::invalid);
  EXPECT_EQ((co_await a->refused("terminal.open", with(standard, "path", "nowhere"))).disposition(),
            disposition::not_found);
  EXPECT_EQ(
      (co_await a->refused("terminal.open", with(standard, "command", json::array{"no-such-program"}))).disposition(),
      disposition::not_found);
  EXPECT_EQ((co_await a->refused("terminal.ack", {{"channel", 99}, {"bytes", 1}})).disposition(),
            disposition::not_found);
  EXPECT_EQ((co_await a->refused("terminal.kill", {{"terminal", "nobody"}})).disposition(), disposition::not_found);
  co_await a->type(99, "into the void");
  co_await a->call("ping");
}

PROJECT_TEST(Terminal, RunsACommandInAFolder) {
  std::filesystem::create_directory(server.home() / "sub");
  auto a = co_await browser::connect(server);
  const auto o =
      co_await a->call("terminal.open", {{"cols", 80}, {"rows", 24}, {"path", "sub"}, {"command", json::array{"pwd"}}});
  const auto channel = number_of(o.at("channel"));
  EXPECT_EQ(text_of(o.at("terminal")), "terminal-1");
  EXPECT_EQ(number_of((co_await a->event("terminal.exit")).at("code")), 0);
  EXPECT_NE(a->output[channel].find("/home/sub"), std::string::npos);
}

}  // namespace
}  // namespace atrium::tests
