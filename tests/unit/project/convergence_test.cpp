// Many editors, a disk writer, lost answers, reconnects and restarts of the authority, in random order: in the end all
// hold the same text, and every character that anybody typed or wrote is there exactly once unless somebody deleted it.
#include <gtest/gtest.h>

#include <map>

#include "apps/project/collab/diff.hpp"
#include "apps/project/collab/journal.hpp"
#include "tests/unit/project/collab_client.hpp"

namespace atrium::project {
namespace {

using tests::below;
using tests::collab_client;

/// The server without its I/O: journal and file are strings; crash() forgets everything else.
class server {
 public:
  explicit server(std::string file) : file_(std::move(file)), doc_("epoch", decode_file(file_).value(), file_, limits) {
    journal_ = journal::begin("f", doc_, false);
  }
  const document& doc() const { return doc_; }
  std::string& file() { return file_; }

  std::size_t push(std::uint64_t version, const std::vector<update>& updates) {
    const auto plan = doc_.plan_push(version, updates).value();
    for (std::size_t i = 0; i < plan.fresh; ++i) {
      journal_ += journal::record(updates[plan.repeated + i]);
      doc_.apply(updates[plan.repeated + i]);
    }
    doc_.forget_old();
    return plan.repeated + plan.fresh;
  }

  void look_at_disk() {
    if (file_ == doc_.all().disk.digest) return;
    const auto now = decode_file(file_).value();
    const auto changes = doc_.change_on_disk(now);
    journal_ += journal::disk_record(changes, now.endings, file_);
    doc_.apply_disk(changes, now.endings, file_);
  }

  /// `stop_after`: how many of the four steps happen before the process is killed.
  void save(int stop_after = 4) {
    look_at_disk();
    const auto bytes = doc_.file_bytes();
    if (stop_after >= 1) journal_ += journal::saving_record(bytes);
    if (stop_after >= 2) file_ = bytes;
    if (stop_after >= 3) journal_ += journal::saved_record();
    if (stop_after >= 4) {
      doc_.begin_save(bytes);
      doc_.saved();
    } else {
      crash();
    }
  }

  void crash() {
    auto back = journal::replay(journal_, limits);
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(back->good_bytes, journal_.size());
    doc_ = std::move(back->doc);
    if (doc_.all().saving) {
      if (file_ == doc_.all().saving->content.digest) {
        journal_ += journal::saved_record();
        doc_.saved();
      } else {
        journal_ += journal::save_failed_record();
        doc_.save_failed();
      }
    }
    look_at_disk();
    journal_ = journal::begin("f", doc_, false);
  }

 private:
  static constexpr document_limits limits{.history_count = 5'000};
  std::string file_, journal_;
  document doc_;
};

struct tally {
  std::size_t edits = 0, pushes = 0, refused = 0, lost_answers = 0, crashes = 0, disk_writes = 0;
};

void catch_up(collab_client& c, const document& d) {
  while (c.version() < d.version()) {
    const auto& e = d.at(c.version());
    c.receive(e.what.client_id, e.what.changes);
  }
}

void push(collab_client& c, server& s, tests::random& r, tally& t) {
  if (c.unconfirmed().empty()) return;
  ++t.pushes;
  const std::vector<update> all(c.unconfirmed().begin(), c.unconfirmed().end());
  const auto accepted = s.push(c.version(), all);
  if (accepted < all.size()) ++t.refused;
  if (below(r, 3) == 0) {
    ++t.lost_answers;  // the client does not learn of it and pushes the same again
  } else {
    catch_up(c, s.doc());
  }
}

/// A token that nobody else ever makes, so that it can be counted.
std::u16string token(std::size_t n) {
  std::u16string out = u"<";
  for (const char c : std::to_string(n)) out += static_cast<char16_t>(c);
  return out + u">";
}

std::size_t occurrences(std::u16string_view text, std::u16string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::u16string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Where a token may be put without cutting another one: at the start, the end, or behind a '>' or line break.
std::size_t gap(tests::random& r, std::u16string_view text) {
  std::vector<std::size_t> gaps{0, text.size()};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == u'>' || text[i] == u'\n') gaps.push_back(i + 1);
  return gaps[below(r, gaps.size())];
}

void settle(std::vector<collab_client>& clients, server& s) {
  s.look_at_disk();
  for (bool again = true; again;) {
    again = false;
    for (auto& c : clients) {
      catch_up(c, s.doc());
      if (c.unconfirmed().empty()) continue;
      s.push(c.version(), {c.unconfirmed().begin(), c.unconfirmed().end()});
      catch_up(c, s.doc());
      again = true;
    }
  }
  s.save();
}

/// One random step of one of the parties.
template <class Edit, class DiskEdit>
void step(std::vector<collab_client>& clients, server& s, tests::random& r, tally& t, Edit edit, DiskEdit disk_edit) {
  auto& c = clients[below(r, clients.size())];
  switch (below(r, 16)) {
    case 0:
      catch_up(c, s.doc());
      break;
    case 1:
      ++t.disk_writes;
      disk_edit(s.file());
      if (below(r, 2) == 0) s.look_at_disk();
      break;
    case 2:
      s.save();
      break;
    case 3:
      ++t.crashes;
      if (below(r, 2) == 0) s.crash();
      else s.save(static_cast<int>(below(r, 4)));
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      push(c, s, r, t);
      break;
    default:
      ++t.edits;
      edit(c);
  }
}

TEST(Convergence, EverythingThatIsInsertedIsThereExactlyOnce) {
  tally t;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    tests::random r(seed);
    server s("start\n");
    std::vector<collab_client> clients;
    for (std::size_t i = 0; i < 2 + below(r, 5); ++i)
      clients.emplace_back("c" + std::to_string(i), s.doc().text(), s.doc().version());
    std::size_t made = 0;
    const auto edit = [&](collab_client& c) {
      const auto at = gap(r, c.text());
      c.edit(change_set::replacing(c.text().size(), at, at, token(made++) + (below(r, 3) == 0 ? u"\n" : u"")));
    };
    const auto disk_edit = [&](std::string& file) {
      auto text = decode_file(file).value().text;
      text.insert(gap(r, text), token(made++) + u"\n");
      file = encode_file(text, {});
    };
    for (int i = 0; i < 400; ++i) step(clients, s, r, t, edit, disk_edit);
    settle(clients, s);
    for (const auto& c : clients) ASSERT_EQ(c.text(), s.doc().text());
    ASSERT_EQ(decode_file(s.file()).value().text, s.doc().text());
    for (std::size_t n = 0; n < made; ++n) ASSERT_EQ(occurrences(s.doc().text(), token(n)), 1u) << "token " << n;
  }
  EXPECT_GT(t.refused, 100u);
  EXPECT_GT(t.lost_answers, 100u);
  EXPECT_GT(t.crashes, 100u);
}

TEST(Convergence, AnyEditsWithDeletionsLeadAllToOneText) {
  tally t;
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    SCOPED_TRACE(seed);
    tests::random r(seed);
    auto file = encode_file(tests::random_text(r, 80), {seed % 3 == 0 ? line_ending::crlf : line_ending::lf, {}});
    server s(file);
    std::vector<collab_client> clients;
    for (std::size_t i = 0; i < 3; ++i)
      clients.emplace_back("c" + std::to_string(i), s.doc().text(), s.doc().version());
    const auto edit = [&](collab_client& c) { c.edit(tests::random_change(r, c.text().size())); };
    const auto disk_edit = [&](std::string& f) {
      auto now = decode_file(f).value();
      tests::random_change(r, now.text.size()).apply(now.text);
      f = encode_file(now.text, {now.endings.usual, {}});
    };
    for (int i = 0; i < 300; ++i) step(clients, s, r, t, edit, disk_edit);
    settle(clients, s);
    for (const auto& c : clients) ASSERT_EQ(c.text(), s.doc().text());
    ASSERT_EQ(s.file(), s.doc().file_bytes());
  }
}

TEST(Convergence, AHundredThousandEditsOfTwoBrowsersAndADiskWriter) {
  tests::random r(42);
  tally t;
  server s("");
  std::vector<collab_client> clients;
  for (const char* name : {"left", "right"}) clients.emplace_back(name, u"", 0);
  const auto edit = [&](collab_client& c) {
    const auto size = c.text().size();
    const auto at = below(r, size + 1);
    const auto removed = size > 500 ? below(r, std::min<std::size_t>(size - at, 20) + 1) : 0;
    c.edit(change_set::replacing(size, at, at + removed, tests::random_text(r, 1 + below(r, 3))));
  };
  const auto disk_edit = [&](std::string& f) {
    auto now = decode_file(f).value();
    tests::random_change(r, now.text.size()).apply(now.text);
    f = encode_file(now.text, {});
  };
  while (t.edits < 100'000) {
    auto& c = clients[below(r, 2)];
    for (std::size_t n = 1 + below(r, 8); n > 0; --n, ++t.edits) edit(c);
    push(c, s, r, t);
    if (below(r, 10) == 0) catch_up(c, s.doc());
    if (below(r, 50) == 0) disk_edit(s.file());
    if (below(r, 20) == 0) s.save(below(r, 20) == 0 ? static_cast<int>(below(r, 4)) : 4);
  }
  settle(clients, s);
  EXPECT_EQ(clients[0].text(), clients[1].text());
  EXPECT_EQ(clients[0].text(), s.doc().text());
  EXPECT_EQ(s.file(), s.doc().file_bytes());
}

}  // namespace
}  // namespace atrium::project
