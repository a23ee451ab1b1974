// The authority of a shared document behind real WebSocket sessions on a bad network: several editors that reconnect, a
// disk writer, and a server that is killed at any await. In the end all hold one text, and everything typed or written
// is in it exactly once.
#include <boost/json.hpp>
#include <map>

#include "apps/project/collab/diff.hpp"
#include "apps/project/collab/digest.hpp"
#include "apps/project/collab/journal.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/rt/sync.hpp"
#include "tests/sim/simulate.hpp"
#include "tests/unit/project/collab_client.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
using project::change_set;
using project::document;
namespace json = boost::json;
namespace journal = project::journal;

/// What survives a kill.
struct disk {
  std::string file, records;
};

change_set one_more(sim::random& r, std::size_t length, char16_t what) {
  const auto at = r.below(length + 1);
  return change_set::replacing(length, at, at, std::u16string(1, what));
}

/// One life of the project server. It dies by cancellation: no clean-up runs.
struct server {
  sim::simulation& sim;
  disk& kept;
  document doc;
  rt::condition changed;
  rt::mutex saving;

  rt::task<void> pause() { co_await rt::sleep_for(sim.random().between(rt::duration(0), rt::duration(300ms))); }

  void look() {
    const auto digest = project::content_digest(kept.file);
    if (digest == doc.all().disk.digest) return;
    const auto now = project::decode_file(kept.file).value();
    const auto changes = doc.change_on_disk(now);
    kept.records += journal::disk_record(changes, now.endings, digest);
    doc.apply_disk(changes, now.endings, digest);
    changed.notify_all();
  }

  rt::task<void> save() {
    const auto guard = co_await saving.lock();
    look();
    if (!doc.dirty()) co_return;
    const auto expected = doc.all().disk.digest;
    const auto bytes = doc.file_bytes();
    const auto digest = project::content_digest(bytes);
    kept.records += journal::saving_record(digest);
    doc.begin_save(digest);
    co_await pause();
    if (project::content_digest(kept.file) != expected) {
      kept.records += journal::save_failed_record();
      doc.save_failed();
      co_return look();
    }
    kept.file = bytes;
    co_await pause();
    kept.records += journal::saved_record();
    doc.saved();
  }

  rt::task<void> save_often() {
    for (;;) {
      co_await pause();
      co_await save();
    }
  }

  rt::task<void> stream(net::websocket& to, std::uint64_t since) {
    for (;;) {
      while (since == doc.version()) co_await changed.wait();
      std::string text = "{\"from\":" + std::to_string(since) + ",\"updates\":[";
      for (const auto from = since; since < doc.version(); ++since) {
        if (since > from) text += ',';
        text += doc.at(since).json;
      }
      co_await to.send_text(text + "]}");
    }
  }

  rt::task<void> answer(net::websocket& to, const json::object& asked) {
    std::vector<project::update> updates;
    for (const auto& u : asked.at("updates").as_array())
      updates.push_back({std::string(u.at("clientID").as_string()), std::string(u.at("id").as_string()),
                         change_set::parse(u.at("changes")).value()});
    const auto plan = doc.plan_push(json::value_to<std::uint64_t>(asked.at("version")), updates).value();
    for (std::size_t i = plan.repeated; i < plan.repeated + plan.fresh; ++i) {
      kept.records += journal::record(updates[i]);
      doc.apply(updates[i]);
    }
    if (plan.fresh) changed.notify_all();
    co_await to.send_text("{\"accepted\":" + std::to_string(plan.repeated + plan.fresh) + "}");
  }

  rt::task<void> session(rt::socket s) {
    auto ws = net::make_websocket(net::make_stream(std::move(s)), net::websocket_role::server);
    rt::scope streaming(&co_await rt::this_task());
    std::exception_ptr failed;
    try {
      while (auto m = co_await ws->receive()) {
        const auto asked = json::parse(m->data).as_object();
        if (asked.contains("since"))
          streaming.spawn(stream(*ws, json::value_to<std::uint64_t>(asked.at("since"))), "stream");
        else co_await answer(*ws, asked);
      }
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected) failed = std::current_exception();
    }
    ws->abort();
    streaming.cancel(rt::cancel_reason::disconnected);
    try {
      co_await streaming.join();
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected && !failed) failed = std::current_exception();
    }
    if (failed) std::rethrow_exception(failed);
  }

  rt::task<void> accept(rt::listener& l, rt::scope& sessions) {
    for (;;) sessions.spawn(session(co_await l.accept()), "session");
  }
};

document restore(disk& kept) {
  auto back = journal::replay(kept.records).value();
  kept.records.resize(back.good_bytes);
  auto doc = std::move(back.doc);
  if (const auto& saving = doc.all().saving) {
    bool done = project::content_digest(kept.file) == saving->content.digest;
    if (!done) {  // as shared_document::recover does: what is nearer was the base of what is there
      const auto now = project::decode_file(kept.file).value();
      done = project::diff(saving->content.text, now.text).weight() <
             project::diff(doc.all().disk.text, now.text).weight();
    }
    kept.records += done ? journal::saved_record() : journal::save_failed_record();
    done ? doc.saved() : doc.save_failed();
  }
  return doc;
}

rt::task<void> live_once(sim::simulation& s, disk& kept, const rt::endpoint& at, std::optional<rt::duration> life,
                         std::u16string& last) {
  server one{s, kept, restore(kept), {}, {}};
  one.look();
  auto l = rt::listener::bind(at);
  rt::scope sessions(&co_await rt::this_task());
  sessions.spawn(one.accept(l, sessions), "accept");
  sessions.spawn(one.save_often(), "save");
  std::exception_ptr failed;
  try {
    if (life) co_await rt::sleep_for(*life);
  } catch (...) {
    failed = std::current_exception();
  }
  if (life) sessions.cancel(rt::cancel_reason::shutdown);
  try {
    co_await sessions.join();
  } catch (...) {
    failed = std::current_exception();
  }
  last = one.doc.text();
  if (failed) std::rethrow_exception(failed);
}

/// Kills and starts again until `calm`; then lives on.
rt::task<void> live(sim::simulation& s, disk& kept, const rt::endpoint& at, const bool& calm, std::u16string& last) {
  while (!calm) {
    co_await live_once(s, kept, at, s.random().between(rt::duration(1s), rt::duration(15s)), last);
    if (s.random().chance(0.3)) {  // a record that nobody was told of is torn
      const auto torn = journal::record({"nobody", "1", change_set::none(last.size())});
      kept.records += torn.substr(0, s.random().below(torn.size()));
    }
    co_await rt::sleep_for(s.random().between(rt::duration(0), rt::duration(2s)));
  }
  co_await live_once(s, kept, at, std::nullopt, last);
}

struct editor {
  editor(int number, const std::u16string& base, int count)
      : text("c" + std::to_string(number), base, 0), next(char16_t(0x4e00 + 0x100 * number)), to_type(count) {}
  collab_client text;
  char16_t next;  ///< each character is typed once in the whole world
  int to_type;
  rt::condition changed;
};

rt::task<void> type(sim::simulation& s, editor& e) {
  for (; e.to_type > 0; --e.to_type) {
    e.text.edit(one_more(s.random(), e.text.text().size(), e.next++));
    e.changed.notify_all();
    co_await rt::sleep_for(s.random().chance(0.1) ? s.random().between(rt::duration(0), rt::duration(10s))
                                                  : s.random().between(rt::duration(0), rt::duration(400ms)));
  }
}

/// Pushes what is unconfirmed, one push at a time.
rt::task<void> push(editor& e, net::websocket& to, bool& answered) {
  for (;;) {
    while (e.text.unconfirmed().empty() || !answered) co_await e.changed.wait();
    answered = false;
    std::string text = "{\"version\":" + std::to_string(e.text.version()) + ",\"updates\":[";
    for (const auto& u : e.text.unconfirmed()) {
      if (text.back() != '[') text += ',';
      text += "{\"clientID\":\"" + u.client_id + "\",\"id\":\"" + u.id + "\",\"changes\":";
      u.changes.append_json(text);
      text += '}';
    }
    co_await to.send_text(text + "]}");
  }
}

rt::task<void> listen(editor& e, net::websocket& to, bool& answered) {
  while (auto m = co_await to.receive()) {
    const auto said = json::parse(m->data).as_object();
    if (said.contains("accepted")) {
      answered = true;
    } else {
      auto version = json::value_to<std::uint64_t>(said.at("from"));
      EXPECT_EQ(version, e.text.version()) << "the stream has a gap";
      for (const auto& u : said.at("updates").as_array())
        e.text.receive(std::string(u.at("clientID").as_string()), change_set::parse(u.at("changes")).value());
    }
    e.changed.notify_all();
  }
  fail(disposition::disconnected, "closed");
}

/// Connected as often as it can be; until cancelled.
rt::task<void> edit(sim::simulation& s, editor& e, const rt::endpoint& at) {
  for (;;) {
    try {
      auto connected = co_await rt::with_timeout(5s, rt::socket::connect(at));
      auto ws = net::make_websocket(net::make_stream(std::move(connected)), net::websocket_role::client);
      bool answered = true;
      co_await ws->send_text("{\"since\":" + std::to_string(e.text.version()) + "}");
      rt::scope both(&co_await rt::this_task());
      both.spawn(push(e, *ws, answered), "push");
      both.spawn(listen(e, *ws, answered), "listen");
      co_await both.join();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      EXPECT_TRUE(f.disposition() == disposition::disconnected || f.disposition() == disposition::timed_out)
          << f.error().describe();
    }
    co_await rt::sleep_for(s.random().between(rt::duration(10ms), rt::duration(2s)));
  }
}

rt::task<void> write_file(sim::simulation& s, disk& kept, char16_t next, int times) {
  for (; times > 0; --times) {
    co_await rt::sleep_for(s.random().between(rt::duration(0), rt::duration(5s)));
    auto now = project::decode_file(kept.file).value();
    one_more(s.random(), now.text.size(), next++).apply(now.text);
    kept.file = project::encode_file(now.text, now.endings);
  }
}

TEST(SimCollab, EverythingTypedAndWrittenIsThereOnceInTheEnd) {
  simulate(1000, [](sim::simulation& s) -> rt::task<void> {
    disk kept{"one\ntwo\n", {}};
    auto first = project::decode_file(kept.file).value();
    const auto base = first.text;
    kept.records = journal::begin("f", document("epoch", first, project::content_digest(kept.file)), false);
    const auto at = rt::endpoint::parse("127.0.0.1:6000");
    bool calm = false;
    std::u16string last;
    constexpr int typed = 12, written = 6;
    std::deque<editor> editors;
    rt::scope world(&co_await rt::this_task()), typing(&co_await rt::this_task());
    world.spawn(live(s, kept, at, calm, last), "server");
    for (char16_t i = 0; i < 3; ++i) {
      auto& e = editors.emplace_back(int(i), base, typed);
      world.spawn(edit(s, e, at), "edit");
      typing.spawn(type(s, e), "type");
    }
    typing.spawn(write_file(s, kept, 0x5e00, written), "disk writer");
    co_await typing.join();
    calm = true;
    s.heal();
    const auto same = [&] {
      const auto file = project::decode_file(kept.file).value().text;
      return std::all_of(editors.begin(), editors.end(),
                         [&](const auto& e) { return e.text.unconfirmed().empty() && e.text.text() == file; });
    };
    for (int i = 0; i < 300 && !same(); ++i) co_await rt::sleep_for(1s);
    EXPECT_TRUE(same()) << "not all hold the text of the file";
    std::map<char16_t, int> count;
    for (const auto c : project::decode_file(kept.file).value().text) ++count[c];
    const auto expect_once = [&](char16_t from, int n) {
      for (int i = 0; i < n; ++i) EXPECT_EQ(count[char16_t(from + i)], 1) << "character " << i << " of " << int(from);
    };
    for (char16_t i = 0; i < 3; ++i) expect_once(char16_t(0x4e00 + 0x100 * i), typed);
    expect_once(0x5e00, written);
    world.cancel(rt::cancel_reason::shutdown);
    co_await world.join();
    co_await rt::sleep_for(200s);
  });
}

}  // namespace
}  // namespace atrium::tests
