// A hundred thousand edits over real sockets: three people type and delete without pause, their laptops sleep in
// between, a program appends to the file, and the server is killed in the middle. In the end all hold one text, the
// file has it too, and every token that was put in stands there once, unless somebody deleted it.
// ATRIUM_EDITS sets another number, ATRIUM_SEED repeats the choices of a run (not its timing).
#include <map>
#include <random>
#include <set>

#include "tests/integration/project/editor.hpp"

namespace atrium::tests {
namespace {

using project::change_set;

constexpr const char* path = "doc.txt";
constexpr std::size_t tokens_kept = 300;  // so many stand in the text, more or less

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

std::size_t edits_wanted() { return number_from("ATRIUM_EDITS", ATRIUM_PATIENCE > 1 ? 4'000 : 100'000); }

/// What all of them do together, and what must be there in the end.
struct work {
  explicit work(project_server& s) : server(s) {}
  project_server& server;
  std::uint64_t seed = number_from("ATRIUM_SEED", std::random_device{}());
  std::size_t wanted = edits_wanted(), edits = 0;
  std::size_t made = 0;              ///< tokens 0 .. made-1 were put in
  std::set<std::size_t> deleted;     ///< by anybody
  std::set<std::size_t> of_program;  ///< what the program put in
  std::size_t offers = 0, sleeps = 0, reconnects = 0, disk_writes = 0, kills = 0;

  bool done() const { return edits >= wanted; }
  std::u16string token() {
    const auto text = "<" + std::to_string(made++) + ">\n";
    return {text.begin(), text.end()};
  }
};

class typing_person {
 public:
  typing_person(work& w, std::string name, domain::account_id who)
      : work_(w), editor_(path, who, name), random_(w.seed + std::hash<std::string>{}(name)) {}

  /// Types until all is typed, however often the connection is lost.
  rt::task<void> run() {
    while (!work_.done() || !editor_.page || !editor_.client->unconfirmed().empty()) {
      bool lost = false;
      try {
        if (!editor_.page) co_await connect();
        co_await live();
      } catch (const failure& f) {
        const auto why = f.disposition();  // the last two: the server does not listen yet, or is starting
        if (why != disposition::disconnected && why != disposition::not_found && why != disposition::overloaded) throw;
        lost = true;
      }
      if (!lost) continue;
      editor_.page.reset();
      co_await rt::sleep_for(std::chrono::milliseconds(1 + below(random_, 20)));
    }
  }
  editor& page() noexcept { return editor_; }

 private:
  rt::task<void> connect() {
    co_await editor_.connect(work_.server);
    ++work_.reconnects;
  }

  rt::task<void> live() {
    while (!work_.done()) {
      type(1 + below(random_, 8));
      if (below(random_, 300) == 0) co_return co_await sleep();
      ++work_.offers;
      co_await editor_.offer();
    }
    co_await editor_.flush();
  }

  /// The lid is closed; sometimes what was pushed last had left already. What is typed in the train waits.
  rt::task<void> sleep() {
    ++work_.sleeps;
    if (below(random_, 2) == 0) {
      auto pushing = [](editor& e) -> rt::task<void> { co_await e.offer(); };
      try {
        co_await rt::with_timeout(std::chrono::microseconds(below(random_, 2000)), pushing(editor_));
      } catch (const failure& f) {
        if (f.disposition() != disposition::timed_out) throw;
      }
    }
    editor_.page->socket().abort();
    editor_.page.reset();
    type(below(random_, 60));
    co_await rt::sleep_for(std::chrono::milliseconds(below(random_, 60)));
  }

  void type(std::size_t count) {
    for (; count > 0 && !work_.done(); --count, ++work_.edits) {
      const auto& text = editor_.client->text();
      const auto at = std::min(text.find(u'<', below(random_, text.size() + 1)), text.size());
      const auto end = text.find(u'\n', at);
      const bool full = text.size() > tokens_kept * 8;
      if (end != text.npos && below(random_, 10) < (full ? 7u : 3u)) {
        const auto digits = text.substr(at + 1, end - at - 2);
        work_.deleted.insert(std::stoul(std::string(digits.begin(), digits.end())));
        editor_.client->edit(change_set::replacing(text.size(), at, end + 1, u""));
      } else {
        editor_.client->edit(change_set::replacing(text.size(), at, at, work_.token()));
      }
    }
  }

  work& work_;
  editor editor_;
  random random_;
};

/// A program that appends to the file whenever so many edits have passed.
rt::task<void> write_to_disk(work& w) {
  for (const auto each = std::max<std::size_t>(w.wanted / 300, 50); !w.done();) {
    for (const auto next = w.edits + each; !w.done() && w.edits < next;) co_await rt::sleep_for(2ms);
    w.of_program.insert(w.made);
    const auto text = w.token();
    std::ofstream(w.server.home() / path, std::ios::app) << std::string(text.begin(), text.end());
    ++w.disk_writes;
  }
}

/// Kills the server six times, evenly among the edits.
rt::task<void> kill_the_server(work& w) {
  for (std::size_t life = 1; life <= 6; ++life) {
    while (w.edits < w.wanted * life / 7) co_await rt::sleep_for(2ms);
    w.server.kill();
    ++w.kills;
    co_await w.server.start();
  }
}

rt::task<void> settle(project_server& server, std::vector<editor*> editors) {
  for (;;) {
    for (auto* e : editors) co_await e->push();
    const auto& text = editors[0]->client->text();
    if (std::ranges::all_of(editors, [&](auto* e) { return e->client->text() == text; }) &&
        server.read(path) == project::utf16_to_utf8(text))
      co_return;
    co_await rt::sleep_for(20ms);
  }
}

/// Every token that stands in a text; each must stand there once.
std::set<std::size_t> tokens_in(const std::string& text) {
  std::set<std::size_t> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const auto line = text.substr(at, end - at);
    EXPECT_TRUE(line.starts_with('<') && line.ends_with('>')) << "a token is torn: " << line;
    if (line.size() > 2) EXPECT_TRUE(out.insert(std::stoul(line.substr(1))).second) << "twice: " << line;
    at = end == text.npos ? text.size() : end + 1;
  }
  return out;
}

rt::task<void> edit_much(project_server& server) {
  server.write(path, "");
  co_await server.start();
  work w(server);
  std::printf("ATRIUM_SEED=%llu ATRIUM_EDITS=%zu\n", static_cast<unsigned long long>(w.seed), w.wanted);
  typing_person a(w, "A", ann), b(w, "B", bob), c(w, "C", bob);
  const auto began = rt::clock::now();
  co_await rt::all(a.run(), b.run(), c.run(), write_to_disk(w), kill_the_server(w));
  co_await settle(server, {&a.page(), &b.page(), &c.page()});
  std::printf("%zu edits in %.1f s: %zu pushes, %zu sleeps, %zu connections, %zu writes of the file, %zu kills\n",
              w.edits, std::chrono::duration<double>(rt::clock::now() - began).count(), w.offers, w.sleeps,
              w.reconnects, w.disk_writes, w.kills);
  const auto found = tokens_in(server.read(path));
  for (std::size_t n = 0; n < w.made; ++n)
    EXPECT_EQ(found.contains(n), !w.deleted.contains(n))
        << "token " << n << (w.of_program.contains(n) ? " of the program" : " of a person") << ", seed " << w.seed;
}

TEST(ManyEdits, OfThreePeopleAndAProgramAllEndInOneText) {
  auto body = []() -> rt::task<void> {
    project_server server(rt::loop::current().backend());
    co_await edit_much(server);
  };
  rt::loop loop;
  loop.run(rt::with_timeout(patience(100s + std::chrono::microseconds(300 * edits_wanted())), body()));
}

}  // namespace
}  // namespace atrium::tests
