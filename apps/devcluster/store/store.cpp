#include "apps/devcluster/store/store.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace atrium::devcluster {

const std::string& object::text() const {
  if (text_.empty()) text_ = json::serialize(value_);
  return text_;
}

std::string object_key(std::string_view name_space, std::string_view name) {
  std::string key(name_space);
  key += '/';
  key += name;
  return key;
}

const object_store::objects& object_store::table(const resource_type& type) const {
  static const objects none;
  const auto at = tables_.find(type.plural);
  return at == tables_.end() ? none : at->second;
}

object_store::objects& object_store::table(const resource_type& type) { return tables_[type.plural]; }

object_ptr object_store::get(const resource_type& type, std::string_view name_space, std::string_view name) const {
  const auto& objects = table(type);
  const auto at = objects.find(object_key(name_space, name));
  return at == objects.end() ? nullptr : at->second;
}

object_ptr object_store::put(const resource_type& type, std::string_view name_space, std::string_view name,
                             json::value value) {
  set_at(value, {"metadata", "resourceVersion"}, json::string(std::to_string(++current_)));
  auto key = object_key(name_space, name);
  auto& slot = table(type)[key];
  auto before = slot;
  auto now = std::make_shared<const object>(type, std::move(key), current_, std::move(value));
  slot = now;
  record({before ? change_kind::modified : change_kind::added, now, std::move(before)});
  return now;
}

object_ptr object_store::erase(const resource_type& type, std::string_view name_space, std::string_view name) {
  auto& objects = table(type);
  const auto at = objects.find(object_key(name_space, name));
  if (at == objects.end()) return nullptr;
  auto before = at->second;
  objects.erase(at);
  json::value last = before->value();
  set_at(last, {"metadata", "resourceVersion"}, json::string(std::to_string(++current_)));
  auto now = std::make_shared<const object>(type, before->key(), current_, std::move(last));
  record({change_kind::deleted, now, std::move(before)});
  return now;
}

void object_store::remember(change c) {
  window_bytes_ += c.now->text().size();
  window_.push_back(std::move(c));
  while (window_.size() > limits_.window_changes || (window_bytes_ > limits_.window_bytes && window_.size() > 1)) {
    window_start_ = window_.front().at();
    window_bytes_ -= window_.front().now->text().size();
    window_.pop_front();
  }
}

void object_store::record(change c) {
  remember(c);
  for (const auto& listener : listeners_) listener(c);
}

const change* object_store::next_change(revision since) const noexcept {
  const auto at =
      std::upper_bound(window_.begin(), window_.end(), since, [](revision r, const change& c) { return r < c.at(); });
  return at == window_.end() ? nullptr : &*at;
}

result<list_page> object_store::list(const resource_type& type, std::string_view name_space, const selector& which,
                                     std::size_t limit, const std::optional<list_position>& from) const {
  list_page page;
  page.at = from ? from->at : current_;
  if (page.at < window_start_ || page.at > current_)
    return api_error(
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You must start a new list "
        "without the continue parameter.");
  // What an older version held where it differs from now: null where there was nothing.
  std::map<std::string, object_ptr, std::less<>> undone;
  for (const change* c = next_change(page.at); c; c = next_change(c->at()))
    if (&c->now->type() == &type) undone.try_emplace(c->now->key(), c->before);

  const auto& objects = table(type);
  const std::string prefix = name_space.empty() ? std::string() : std::string(name_space) + "/";
  const std::string first = from && !from->after_key.empty() ? from->after_key + '\0' : prefix;
  auto live = objects.lower_bound(first);
  auto old = undone.lower_bound(first);
  while (live != objects.end() || old != undone.end()) {
    const bool take_old = old != undone.end() && (live == objects.end() || old->first <= live->first);
    const auto& key = take_old ? old->first : live->first;
    const object_ptr shown = take_old ? old->second : live->second;
    if (!key.starts_with(prefix)) break;
    if (take_old && live != objects.end() && live->first == old->first) ++live;
    if (take_old) ++old;
    else ++live;
    if (!shown || !which.matches(shown->value())) continue;
    if (limit != 0 && page.items.size() == limit) {
      if (!page.next) page.next = list_position{page.at, page.items.back()->key()};
      ++page.remaining;
      continue;
    }
    page.items.push_back(shown);
  }
  return page;
}

void object_store::restore(const resource_type& type, json::value value) {
  const auto rv = std::strtoull(std::string(text_at(value, {"metadata", "resourceVersion"})).c_str(), nullptr, 10);
  auto key = object_key(text_at(value, {"metadata", "namespace"}), text_at(value, {"metadata", "name"}));
  table(type)[key] = std::make_shared<const object>(type, key, rv, std::move(value));
  restore_revision(rv);
}

void object_store::restore_change(const resource_type& type, bool deleted, json::value value) {
  const auto rv = std::strtoull(std::string(text_at(value, {"metadata", "resourceVersion"})).c_str(), nullptr, 10);
  if (rv <= current_) return;  // the snapshot has it already
  auto key = object_key(text_at(value, {"metadata", "namespace"}), text_at(value, {"metadata", "name"}));
  auto now = std::make_shared<const object>(type, key, rv, std::move(value));
  auto& objects = table(type);
  const auto at = objects.find(key);
  object_ptr before = at == objects.end() ? nullptr : at->second;
  if (window_.empty()) window_start_ = current_;
  current_ = rv;
  if (deleted && at != objects.end()) objects.erase(at);
  else if (!deleted) objects[key] = now;
  remember({deleted  ? change_kind::deleted
            : before ? change_kind::modified
                     : change_kind::added,
            std::move(now), std::move(before)});
}

void object_store::restore_revision(revision current) noexcept {
  current_ = std::max(current_, current);
  if (window_.empty()) window_start_ = current_;
}

}  // namespace atrium::devcluster
