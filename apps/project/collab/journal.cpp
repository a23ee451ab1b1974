#include "apps/project/collab/journal.hpp"

#include <array>
#include <boost/crc.hpp>
#include <cstring>

#include "apps/project/collab/unicode.hpp"

namespace atrium::project::journal {

namespace {

constexpr std::string_view magic = "ATRIUMJ1";
constexpr std::uint32_t keeps_mark = 0xFFFFFFFFu;

enum class kind : std::uint8_t { whole = 1, change, disk, saving, saved, save_failed, removed };

class writer {
 public:
  explicit writer(kind k) { out_ += static_cast<char>(k); }
  writer& number(std::uint64_t n) {
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(n >> shift);
    return *this;
  }
  writer& small(std::uint32_t n) {
    for (int shift = 0; shift < 32; shift += 8) out_ += static_cast<char>(n >> shift);
    return *this;
  }
  writer& bytes(std::string_view b) {
    small(static_cast<std::uint32_t>(b.size()));
    out_ += b;
    return *this;
  }
  writer& text(std::u16string_view t) { return bytes(utf16_to_utf8(t, true)); }
  writer& changes(const change_set& c) {
    small(static_cast<std::uint32_t>(c.sections().size()));
    for (const auto& s : c.sections()) {
      small(static_cast<std::uint32_t>(s.length));
      if (s.keeps) small(keeps_mark);
      else text(s.text);
    }
    return *this;
  }
  writer& endings(const line_endings& e) {
    std::string each;
    each.reserve(e.each.size());
    for (const auto x : e.each) each += static_cast<char>(x);
    return small(static_cast<std::uint32_t>(e.usual)).bytes(each);
  }
  writer& disk(const disk_state& d) { return text(d.text).endings(d.endings).bytes(d.digest); }
  writer& change(const update& u) { return bytes(u.client_id).bytes(u.id).changes(u.changes); }

  /// The record with its frame.
  std::string framed() const {
    boost::crc_32_type crc;
    crc.process_bytes(out_.data(), out_.size());
    std::string frame;
    frame.reserve(out_.size() + 8);
    for (const std::uint32_t n : {static_cast<std::uint32_t>(out_.size()), static_cast<std::uint32_t>(crc.checksum())})
      for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(n >> shift);
    return frame + out_;
  }

 private:
  std::string out_;
};

/// Reads what writer wrote. After a mistake everything reads as empty and good() is false.
class reader {
 public:
  explicit reader(std::string_view in) : in_(in) {}
  bool good() const { return good_; }
  bool at_end() const { return in_.empty(); }
  std::uint64_t number() { return little_endian(8); }
  std::uint32_t small() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::string_view bytes() {
    const auto n = small();
    return take(n);
  }
  std::u16string text() {
    auto t = utf8_to_utf16(bytes(), true);
    if (!t) good_ = false;
    return std::move(t).value_or(std::u16string());
  }
  change_set changes() {
    std::vector<change_set::section> sections;
    const auto n = small();
    for (std::uint32_t i = 0; i < n && good_; ++i) {
      change_set::section s;
      s.length = small();
      if (in_.substr(0, 4) == "\xFF\xFF\xFF\xFF") {
        take(4);
      } else {
        s.keeps = false;
        s.text = text();
      }
      sections.push_back(std::move(s));
    }
    return change_set::of(std::move(sections));
  }
  line_endings endings() {
    line_endings e;
    const auto usual = small();
    const auto each = bytes();
    if (usual > 2) good_ = false;
    e.usual = static_cast<line_ending>(usual);
    for (const char c : each) {
      if (static_cast<unsigned char>(c) > 2) good_ = false;
      e.each.push_back(static_cast<line_ending>(c));
    }
    return e;
  }
  disk_state disk() {
    disk_state d;
    d.text = text();
    d.endings = endings();
    d.digest = bytes();
    return d;
  }
  update change() {
    update u;
    u.client_id = bytes();
    u.id = bytes();
    u.changes = changes();
    return u;
  }

 private:
  std::string_view take(std::size_t n) {
    if (n > in_.size()) {
      good_ = false;
      in_ = {};
      return {};
    }
    const auto out = in_.substr(0, n);
    in_.remove_prefix(n);
    return out;
  }
  std::uint64_t little_endian(std::size_t n) {
    const auto b = take(n);
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < b.size(); ++i) out |= std::uint64_t(static_cast<unsigned char>(b[i])) << (8 * i);
    return out;
  }
  std::string_view in_;
  bool good_ = true;
};

/// The next intact record of `bytes` at `at`, or nothing; moves `at` behind it.
std::optional<std::string_view> next_record(std::string_view bytes, std::size_t& at) {
  if (bytes.size() - at < 8) return std::nullopt;
  reader head(bytes.substr(at, 8));
  const std::size_t length = head.small();
  const auto expected = head.small();
  if (length == 0 || length > bytes.size() - at - 8) return std::nullopt;
  const auto record = bytes.substr(at + 8, length);
  boost::crc_32_type crc;
  crc.process_bytes(record.data(), record.size());
  if (crc.checksum() != expected) return std::nullopt;
  at += 8 + length;
  return record;
}

std::optional<std::pair<std::string, document::state>> read_whole(std::string_view record) {
  if (static_cast<kind>(record[0]) != kind::whole) return std::nullopt;
  reader r(record.substr(1));
  std::string path(r.bytes());
  document::state s;
  s.epoch = r.bytes();
  s.version = r.number();
  s.text = r.text();
  s.disk = r.disk();
  s.unsaved = r.changes();
  if (r.small() != 0) {
    save_state save;
    save.version = r.number();
    save.content = r.disk();
    save.since = r.changes();
    s.saving = std::move(save);
  }
  const auto n = r.small();
  for (std::uint32_t i = 0; i < n && r.good(); ++i) s.history.push_back({r.change(), {}});
  const bool fits = r.good() && r.at_end() && s.history.size() <= s.version &&
                    s.unsaved.old_length() == s.disk.text.size() && s.unsaved.new_length() == s.text.size() &&
                    (!s.saving || (s.saving->since.old_length() == s.saving->content.text.size() &&
                                   s.saving->since.new_length() == s.text.size()));
  if (!fits) return std::nullopt;
  return std::pair(std::move(path), std::move(s));
}

/// Repeats one step. False when it does not fit: a journal of another program version, or a bug; it ends there.
bool repeat(document& d, std::string_view record) {
  reader r(record.substr(1));
  switch (static_cast<kind>(record[0])) {
    case kind::change: {
      auto u = r.change();
      if (!r.good() || u.changes.old_length() != d.text().size()) return false;
      d.apply(std::move(u));
      return true;
    }
    case kind::disk: {
      const auto changes = r.changes();
      auto endings = r.endings();
      std::string digest(r.bytes());
      if (!r.good() || changes.old_length() != d.all().disk.text.size()) return false;
      d.apply_disk(changes, std::move(endings), std::move(digest));
      return true;
    }
    case kind::saving:
      d.begin_save(std::string(r.bytes()));
      return r.good();
    case kind::saved:
      if (!d.all().saving) return false;
      d.saved();
      return true;
    case kind::save_failed:
      d.save_failed();
      return true;
    case kind::removed:
      d.disk_removed();
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string begin(std::string_view path, const document& d, bool closed) {
  const auto& s = d.all();
  writer w(kind::whole);
  w.bytes(path).bytes(s.epoch).number(s.version).text(s.text).disk(s.disk).changes(s.unsaved).small(s.saving ? 1 : 0);
  if (s.saving) w.number(s.saving->version).disk(s.saving->content).changes(s.saving->since);
  w.small(static_cast<std::uint32_t>(s.history.size()));
  for (const auto& e : s.history) w.change(e.what);
  std::string out(magic);
  out += closed ? 'c' : 'o';
  out.resize(head_bytes, '\0');
  return out + w.framed();
}

std::string record(const update& u) { return writer(kind::change).change(u).framed(); }
std::string disk_record(const change_set& on_disk, const line_endings& endings, std::string_view digest) {
  return writer(kind::disk).changes(on_disk).endings(endings).bytes(digest).framed();
}
std::string saving_record(std::string_view digest) { return writer(kind::saving).bytes(digest).framed(); }
std::string saved_record() { return writer(kind::saved).framed(); }
std::string save_failed_record() { return writer(kind::save_failed).framed(); }
std::string removed_record() { return writer(kind::removed).framed(); }

result<replayed> replay(std::string_view bytes, document_limits limits) {
  const error damaged(disposition::invalid, "The record of the document's changes cannot be read.");
  if (bytes.size() < head_bytes || bytes.substr(0, magic.size()) != magic) return damaged;
  std::size_t at = head_bytes;
  const auto first = next_record(bytes, at);
  if (!first) return damaged;
  auto whole = read_whole(*first);
  if (!whole) return damaged;
  replayed out{std::move(whole->first), document(std::move(whole->second), limits), at};
  while (const auto record = next_record(bytes, at)) {
    if (!repeat(out.doc, *record)) break;
    out.doc.forget_old();
    out.good_bytes = at;
  }
  return out;
}

}  // namespace atrium::project::journal
