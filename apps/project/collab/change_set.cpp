#include "apps/project/collab/change_set.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "apps/project/collab/unicode.hpp"
#include "atrium/base/assert.hpp"

namespace atrium::project {

namespace {

constexpr std::size_t largest_length = 1u << 30;

error not_a_change_set(const char* why) {
  return error(disposition::invalid, std::string("The changes cannot be read: ") + why + ".");
}

std::optional<std::size_t> as_length(const boost::json::value& v) {
  if (const auto* n = v.if_int64(); n && *n >= 0 && static_cast<std::uint64_t>(*n) <= largest_length)
    return static_cast<std::size_t>(*n);
  return std::nullopt;
}

result<change_set::section> parse_section(const boost::json::value& v) {
  change_set::section out;
  if (const auto n = as_length(v)) {
    out.length = *n;
    return out;
  }
  const auto* parts = v.if_array();
  if (!parts || parts->empty()) return not_a_change_set("a section is neither a length nor a replacement");
  const auto length = as_length((*parts)[0]);
  if (!length) return not_a_change_set("a replacement does not start with a length");
  out.length = *length;
  out.keeps = false;
  for (std::size_t i = 1; i < parts->size(); ++i) {
    const auto* line = (*parts)[i].if_string();
    if (!line) return not_a_change_set("an inserted line is not a text");
    auto text = utf8_to_utf16({line->data(), line->size()});
    if (!text) return not_a_change_set("an inserted line is not valid Unicode");
    if (text->find_first_of(u"\n\r") != std::u16string::npos)
      return not_a_change_set("an inserted line holds a line break");
    if (i > 1) out.text += u'\n';
    out.text += *text;
  }
  return out;
}

/// Walks a change set in steps: keep n, delete n, insert text. A replacement is its insertion, then its deletion.
class cursor {
 public:
  explicit cursor(const std::vector<change_set::section>& sections) : at_(sections.begin()), end_(sections.end()) {
    settle();
  }

  bool inserts() const { return !text_.empty(); }
  std::u16string_view text() const { return text_; }
  bool has_length() const { return length_ > 0; }
  std::size_t length() const { return length_; }
  bool keeps() const { return keeps_; }
  bool done() const { return text_.empty() && length_ == 0; }

  void take_text(std::size_t n) {
    text_.remove_prefix(n);
    settle();
  }
  void take(std::size_t n) {
    length_ -= n;
    settle();
  }

 private:
  void settle() {
    while (text_.empty() && length_ == 0 && at_ != end_) {
      keeps_ = at_->keeps;
      length_ = at_->length;
      text_ = at_->text;
      ++at_;
    }
  }
  std::vector<change_set::section>::const_iterator at_, end_;
  std::u16string_view text_;
  std::size_t length_ = 0;
  bool keeps_ = true;
};

}  // namespace

change_set change_set::of(std::vector<section> sections) {
  change_set out;
  for (const auto& s : sections) {
    out.old_length_ += s.length;
    out.new_length_ += s.keeps ? s.length : s.text.size();
  }
  out.sections_ = std::move(sections);
  return out;
}

change_set change_set::none(std::size_t length) {
  builder b;
  b.keep(length);
  return std::move(b).done();
}

change_set change_set::replacing(std::size_t length, std::size_t from, std::size_t to, std::u16string text) {
  ATRIUM_ASSERT(from <= to && to <= length, "a replacement lies inside the document");
  builder b;
  b.keep(from).insert(text).remove(to - from).keep(length - to);
  return std::move(b).done();
}

result<change_set> change_set::parse(const boost::json::value& json) {
  const auto* array = json.if_array();
  if (!array) return not_a_change_set("they are not an array");
  std::vector<section> sections;
  sections.reserve(array->size());
  std::size_t total = 0;
  for (const auto& v : *array) {
    auto s = parse_section(v);
    if (!s) return s.error();
    total += s->length + s->text.size();
    if (total > largest_length) return not_a_change_set("they are too long");
    sections.push_back(std::move(*s));
  }
  return of(std::move(sections));
}

void change_set::append_json(std::string& out) const {
  out += '[';
  bool first = true;
  for (const auto& s : sections_) {
    if (!first) out += ',';
    first = false;
    if (s.keeps) {
      out += std::to_string(s.length);
      continue;
    }
    out += '[';
    out += std::to_string(s.length);
    if (!s.text.empty()) {
      std::u16string_view rest = s.text;
      for (;;) {
        const auto end = rest.find(u'\n');
        out += ',';
        append_json_string(out, rest.substr(0, end));
        if (end == std::u16string_view::npos) break;
        rest.remove_prefix(end + 1);
      }
    }
    out += ']';
  }
  out += ']';
}

bool change_set::empty() const noexcept {
  return std::ranges::all_of(sections_, [](const section& s) { return s.keeps || (s.length == 0 && s.text.empty()); });
}

std::size_t change_set::weight() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : sections_)
    if (!s.keeps) sum += s.length + s.text.size();
  return sum;
}

void change_set::apply(std::u16string& document) const {
  ATRIUM_ASSERT(document.size() == old_length_, "a change set is applied to a document of its length");
  const auto changes = std::ranges::count_if(sections_, [](const section& s) { return !s.keeps; });
  if (changes <= 1) {  // what typing does: move the tail once instead of copying everything
    std::size_t at = 0;
    for (const auto& s : sections_) {
      if (!s.keeps) document.replace(at, s.length, s.text);
      at += s.keeps ? s.length : s.text.size();
    }
    return;
  }
  std::u16string out;
  out.reserve(new_length_);
  std::size_t at = 0;
  for (const auto& s : sections_) {
    if (s.keeps) out.append(document, at, s.length);
    else out += s.text;
    at += s.length;
  }
  document = std::move(out);
}

change_set change_set::compose(const change_set& next) const {
  ATRIUM_ASSERT(new_length_ == next.old_length_, "a change set is composed with one that follows it");
  builder out;
  cursor a(sections_), b(next.sections_);
  while (!a.done() || !b.done()) {
    if (b.inserts()) {
      out.insert(b.text());
      b.take_text(b.text().size());
    } else if (!a.inserts() && a.has_length() && !a.keeps()) {
      out.remove(a.length());
      a.take(a.length());
    } else if (a.inserts()) {
      const auto n = std::min(a.text().size(), b.length());
      if (b.keeps()) out.insert(a.text().substr(0, n));
      a.take_text(n);
      b.take(n);
    } else {
      const auto n = std::min(a.length(), b.length());
      if (b.keeps()) out.keep(n);
      else out.remove(n);
      a.take(n);
      b.take(n);
    }
  }
  return std::move(out).done();
}

change_set change_set::map(const change_set& other, bool before) const {
  ATRIUM_ASSERT(old_length_ == other.old_length_, "change sets are mapped over others of the same document");
  builder out;
  cursor a(sections_), b(other.sections_);
  while (!a.done() || !b.done()) {
    if (a.inserts() && (before || !b.inserts())) {
      out.insert(a.text());
      a.take_text(a.text().size());
    } else if (b.inserts()) {
      out.keep(b.text().size());
      b.take_text(b.text().size());
    } else {
      const auto n = std::min(a.length(), b.length());
      if (b.keeps()) {
        if (a.keeps()) out.keep(n);
        else out.remove(n);
      }
      a.take(n);
      b.take(n);
    }
  }
  return std::move(out).done();
}

change_set::section& change_set::builder::replacement() {
  if (sections_.empty() || sections_.back().keeps) sections_.push_back({0, false, {}});
  return sections_.back();
}

change_set::builder& change_set::builder::keep(std::size_t length) {
  if (length == 0) return *this;
  if (sections_.empty() || !sections_.back().keeps) sections_.push_back({});
  sections_.back().length += length;
  return *this;
}

change_set::builder& change_set::builder::remove(std::size_t length) {
  if (length > 0) replacement().length += length;
  return *this;
}

change_set::builder& change_set::builder::insert(std::u16string_view text) {
  if (!text.empty()) replacement().text += text;
  return *this;
}

change_set change_set::builder::done() && { return of(std::move(sections_)); }

}  // namespace atrium::project
