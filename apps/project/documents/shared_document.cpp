#include "apps/project/documents/shared_document.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <ranges>

#include "apps/domain/crypto.hpp"
#include "apps/project/collab/diff.hpp"
#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

namespace {

metrics::counter& pushed_updates() {
  static auto& c =
      metrics::get_counter("atrium_project_document_updates_total", "Updates that clients made to documents");
  return c;
}

struct on_disk {
  std::optional<file_content> file, left;
  std::optional<journal::replayed> past;
  bool journal_is_broken = false;
};

on_disk read_everything(const home& h, const std::string& path) {
  on_disk out;
  out.file = read_document_file(h, path);
  out.left = leftover(h, path);
  try {
    const auto fd = h.open(journal_path(path), O_RDONLY);
    auto past = journal::replay(read_all(fd.get(), 512u << 20, path));  // a long one takes a while: not on the loop
    if (past && past->path == path) out.past = std::move(*past);
    else out.journal_is_broken = true;
  } catch (const failure& f) {
    if (f.disposition() != disposition::not_found) throw;
  }
  return out;
}

}  // namespace

shared_document::shared_document(const home& h, watcher& w, std::string path, document core)
    : home_(h), watcher_(w), path_(std::move(path)), core_(std::move(core)), idle_since_(rt::loop::current().now()) {}

rt::task<std::shared_ptr<shared_document>> shared_document::load(const home& h, watcher& w, std::string path) {
  auto found = co_await rt::blocking([&] { return read_everything(h, path); });
  if (!found.file) fail_for_path(ENOENT, path, "open");
  auto text = decode_file(found.file->bytes);
  if (!text) throw failure(text.error());
  if (found.journal_is_broken) log::warn("journal of a document cannot be read, starting a new one", {{"path", path}});
  if (!found.past) {
    std::shared_ptr<shared_document> made(
        new shared_document(h, w, path, document(domain::random_token(16), std::move(*text), found.file->digest)));
    made->stamp_ = found.file->stamp;
    made->journal_ = journal_file::create(h, path, made->core_);
    made->hold_file();
    made->watch();
    co_return made;
  }
  std::shared_ptr<shared_document> made(new shared_document(h, w, path, std::move(found.past->doc)));
  made->journal_ = journal_file::resume(h, path, found.past->good_bytes);
  made->recover(*found.file, found.left);
  forget_leftover(h, path);
  made->tidy();
  made->hold_file();
  made->watch();
  co_return made;
}

void shared_document::recover(const file_content& file, const std::optional<file_content>& left) {
  if (const auto& saving = core_.all().saving) {
    bool done = file.digest == saving->content.digest;
    if (done && left && left->digest != core_.all().disk.digest && left->digest != saving->content.digest) {
      absorb(*left);  // the save had taken this out of its place, and was killed before it was merged
    } else if (!done) {
      // Killed during a save, and somebody wrote the file: after it or instead of it? What is nearer was its base.
      if (const auto now = decode_file(file.bytes))
        done = diff(saving->content.text, now->text).weight() < diff(core_.all().disk.text, now->text).weight();
    }
    note(done ? journal::saved_record() : journal::save_failed_record());
    if (done) core_.saved();
    else core_.save_failed();
  }
  absorb(file);
}

void shared_document::absorb(const file_content& content) {
  if (content.digest == core_.all().disk.digest) {
    stamp_ = content.stamp;
    return;
  }
  auto now = decode_file(content.bytes);
  if (!now) throw failure(now.error());
  const auto changes = core_.change_on_disk(*now);
  journal_.append(journal::disk_record(changes, now->endings, content.digest));
  const auto before = core_.version();
  core_.apply_disk(changes, std::move(now->endings), content.digest);
  stamp_ = content.stamp;
  broadcast_since(before);
  tidy();
  changed_.notify_all();
}

std::string shared_document::open(peer& p, std::optional<std::uint64_t> since, std::string_view epoch) {
  const bool fresh = !viewers_.contains(&p);
  viewers_.try_emplace(&p);
  auto users = json_array(viewers_, [](const auto& v) { return v.first->json(); });
  json_object answer;
  answer.text("path", path_).text("epoch", core_.epoch()).number("version", core_.version()).raw("users", users);
  if (since && epoch == core_.epoch() && core_.keeps_since(*since)) {
    answer.raw("updates", updates_since(*since));
  } else {
    std::string text;
    append_json_string(text, core_.text());
    answer.raw("text", text);
  }
  if (fresh) announce_viewers();
  for (const auto& [other, state] : viewers_)
    if (other != &p && !state.cursor.empty()) p.push(cursor_event(state.client_id, *other, state.cursor));
  return std::move(answer).done();
}

std::string shared_document::push(peer& p, std::string_view epoch, std::uint64_t version, std::vector<update> updates) {
  if (lost_) fail(disposition::conflict, "The file is no text that can be edited any more.");
  if (epoch != core_.epoch()) fail(disposition::conflict, "The document was loaded anew. Open it again.");
  const auto plan = core_.plan_push(version, updates).value();
  if (plan.fresh > 0) {
    std::string records;
    if (rewrite_journal_) {
      journal_ = journal_file::create(home_, path_, core_);
      rewrite_journal_ = false;
    }
    for (std::size_t i = 0; i < plan.fresh; ++i) records += journal::record(updates[plan.repeated + i]);
    journal_.append(records);
    const auto before = core_.version();
    for (std::size_t i = 0; i < plan.fresh; ++i) core_.apply(std::move(updates[plan.repeated + i]));
    if (removed_) recreate_ = true;
    pushed_updates().add(plan.fresh);
    if (const auto v = viewers_.find(&p); v != viewers_.end()) v->second.client_id = core_.at(before).what.client_id;
    broadcast_since(before);
    tidy();
    changed_.notify_all();
  }
  return json_object().number("accepted", plan.repeated + plan.fresh).number("version", core_.version()).done();
}

void shared_document::cursor(peer& p, std::string_view client_id, std::string ranges) {
  const auto v = viewers_.find(&p);
  if (v == viewers_.end()) fail(disposition::invalid, "Open the document before you show a cursor in it.");
  if (!client_id.empty()) v->second.client_id = client_id;
  v->second.cursor = std::move(ranges);
  const auto event = cursor_event(v->second.client_id, p, v->second.cursor);
  for (const auto& [other, state] : viewers_)
    if (other != &p) other->push(event);
}

void shared_document::leave(peer& p) noexcept {
  const auto v = viewers_.find(&p);
  if (v == viewers_.end()) return;
  const auto event = cursor_event(v->second.client_id, p, "[]");
  const bool shown = !v->second.cursor.empty();
  viewers_.erase(v);
  if (shown) broadcast(event);
  announce_viewers();
  idle_since_ = rt::loop::current().now();
}

std::string shared_document::cursor_event(const std::string& client_id, peer& whose, const std::string& ranges) const {
  return json_object()
      .text("event", "document.cursors")
      .text("path", path_)
      .text("clientID", client_id.empty() ? whose.session() : client_id)
      .raw("user", whose.json())
      .raw("ranges", ranges)
      .done();
}

void shared_document::announce_viewers() {
  broadcast(json_object()
                .text("event", "document.viewers")
                .text("path", path_)
                .raw("users", json_array(viewers_, [](const auto& v) { return v.first->json(); }))
                .done());
}

void shared_document::broadcast(const std::string& event) {
  for (const auto& [p, state] : viewers_) p->push(event);
}

/// JSON array.
std::string shared_document::updates_since(std::uint64_t version) const {
  return json_array(std::views::iota(version, core_.version()), [this](auto v) -> auto& { return core_.at(v).json; });
}

void shared_document::broadcast_since(std::uint64_t version) {
  if (version == core_.version() || viewers_.empty()) return;
  broadcast(json_object()
                .text("event", "document.updates")
                .text("path", path_)
                .text("epoch", core_.epoch())
                .number("version", version)
                .raw("updates", updates_since(version))
                .done());
}

/// Records a step that has already happened. When that fails, nothing more is acknowledged before the journal is whole.
void shared_document::note(std::string_view record) noexcept {
  try {
    journal_.append(record);
  } catch (const std::exception& e) {
    log::warn("journal of a document cannot be written", {{"path", path_}, {"error", e.what()}});
    rewrite_journal_ = true;
  }
}

void shared_document::tidy() {
  core_.forget_old();
  if (!journal_.wants_compaction() && !rewrite_journal_) return;
  try {
    journal_ = journal_file::create(home_, path_, core_);
    rewrite_journal_ = false;
  } catch (const failure& f) {  // the old one goes on growing, and nothing is lost
    log::warn("journal of a document cannot be started over", {{"path", path_}, {"error", f.error()}});
  }
}

void shared_document::moved(const std::string& to) {
  const auto from = std::exchange(path_, to);
  try {
    journal_ = journal_file::create(home_, to, core_);
    ::unlinkat(home_.fd(), journal_path(from).c_str(), 0);
  } catch (const failure& f) {
    log::error("journal of a moved document cannot be written", {{"path", to}, {"error", f.error()}});
    rewrite_journal_ = true;  // the old one speaks of a file that is not there any more
  }
  watch();
  broadcast(json_object().text("event", "document.moved").text("path", from).text("to", to).done());
}

rt::task<void> shared_document::close() {
  const auto guard = co_await disk_.lock();
  if (std::exchange(closed_, true)) co_return;
  changed_.notify_all();
  look_.set();
  watching_ = {};
  journal_.close();
  if (removed_ || lost_) {
    ::unlinkat(home_.fd(), journal_path(path_).c_str(), 0);
    co_return;
  }
  try {
    journal_file::create(home_, path_, core_, !core_.dirty());
  } catch (const failure& f) {
    log::warn("journal of a document cannot be shortened", {{"path", path_}, {"error", f.error()}});
  }
}

}  // namespace atrium::project
