#include "apps/project/collab/document.hpp"

#include "apps/project/collab/diff.hpp"
#include "apps/project/collab/unicode.hpp"
#include "atrium/base/assert.hpp"

namespace atrium::project {

namespace {

std::string key_of(const update& u) {
  std::string key = u.client_id;
  key += '\0';
  key += u.id;
  return key;
}

std::string json_of(const update& u) {
  std::string out = "{\"clientID\":";
  append_json_string(out, u.client_id);
  out += ",\"changes\":";
  u.changes.append_json(out);
  out += '}';
  return out;
}

error invalid(const char* sentence) { return error(disposition::invalid, sentence); }

}  // namespace

document::document(std::string epoch, file_text file, std::string digest, document_limits limits) : limits_(limits) {
  s_.epoch = std::move(epoch);
  s_.unsaved = change_set::none(file.text.size());
  s_.text = file.text;
  s_.disk = {std::move(file.text), std::move(file.endings), std::move(digest)};
}

document::document(state kept, document_limits limits) : s_(std::move(kept)), limits_(limits) {
  for (auto& e : s_.history) {
    if (e.json.empty()) e.json = json_of(e.what);
    history_bytes_ += e.json.size();
    if (!e.what.id.empty()) known_.insert(key_of(e.what));
  }
  forget_old();
}

result<document::push_plan> document::plan_push(std::uint64_t version, std::span<const update> updates) const {
  if (version > s_.version) return invalid("The document has no such version yet. Open it again.");
  push_plan plan;
  for (const auto& u : updates) {
    if (u.client_id.empty() || u.client_id == disk_client) return invalid("Changes need a clientID of their own.");
    if (u.id.empty() || !known_.contains(key_of(u))) break;
    ++plan.repeated;
  }
  const auto rest = updates.subspan(plan.repeated);
  // Repeated updates stand in the history exactly where the client made them, so it knows the version after them.
  if (version + plan.repeated != s_.version) return plan;
  std::size_t length = s_.text.size();
  for (const auto& u : rest) {
    if (u.client_id.empty() || u.client_id == disk_client) return invalid("Changes need a clientID of their own.");
    if (u.changes.old_length() != length)
      return invalid("The changes do not fit the length of the document. Open it again.");
    length = u.changes.new_length();
    if (length > limits_.text_units) return invalid("The document would become too long to edit together.");
  }
  plan.fresh = rest.size();
  return plan;
}

void document::apply(update u) {
  u.changes.apply(s_.text);
  s_.unsaved = s_.unsaved.compose(u.changes);
  if (s_.saving) s_.saving->since = s_.saving->since.compose(u.changes);
  if (!u.id.empty()) known_.insert(key_of(u));
  entry e{std::move(u), {}};
  e.json = json_of(e.what);
  history_bytes_ += e.json.size();
  s_.history.push_back(std::move(e));
  ++s_.version;
}

void document::forget_old() {
  while (!s_.history.empty() && (history_bytes_ > limits_.history_bytes || s_.history.size() > limits_.history_count)) {
    const auto& oldest = s_.history.front();
    history_bytes_ -= oldest.json.size();
    known_.erase(key_of(oldest.what));
    s_.history.pop_front();
  }
}

bool document::keeps_since(std::uint64_t since) const noexcept {
  return since <= s_.version && s_.version - since <= s_.history.size();
}

const document::entry& document::at(std::uint64_t version) const {
  const auto first = s_.version - s_.history.size();
  ATRIUM_ASSERT(version >= first && version < s_.version, "only kept updates are asked for");
  return s_.history[static_cast<std::size_t>(version - first)];
}

change_set document::change_on_disk(const file_text& now) const { return diff(s_.disk.text, now.text); }

void document::apply_disk(const change_set& on_disk, line_endings endings, std::string digest) {
  auto here = on_disk.map(s_.unsaved);
  auto unsaved = s_.unsaved.map(on_disk, true);
  on_disk.apply(s_.disk.text);
  s_.disk.endings = std::move(endings);
  s_.disk.digest = std::move(digest);
  if (!here.empty()) apply({std::string(disk_client), {}, std::move(here)});
  s_.unsaved = std::move(unsaved);
}

std::string document::file_bytes() const {
  return encode_file(s_.text, s_.disk.endings.after(s_.unsaved, s_.disk.text));
}

void document::begin_save(std::string digest) {
  s_.saving.emplace();
  s_.saving->version = s_.version;
  s_.saving->content = {s_.text, s_.disk.endings.after(s_.unsaved, s_.disk.text), std::move(digest)};
  s_.saving->since = change_set::none(s_.text.size());
}

void document::saved() {
  ATRIUM_ASSERT(s_.saving, "a save that was begun ends");
  s_.disk = std::move(s_.saving->content);
  s_.unsaved = std::move(s_.saving->since);
  s_.saving.reset();
}

void document::disk_removed() { s_.disk.digest.clear(); }

}  // namespace atrium::project
