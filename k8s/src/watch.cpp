#include "atrium/k8s/watch.hpp"

#include <boost/json.hpp>

#include "atrium/k8s/json.hpp"
#include "atrium/k8s/status.hpp"

namespace atrium::k8s {

watch_event::watch_event() = default;
watch_event::watch_event(watch_event&&) noexcept = default;
watch_event& watch_event::operator=(watch_event&&) noexcept = default;
watch_event::~watch_event() = default;

namespace {

std::optional<watch_event_type> type_of(std::string_view text) noexcept {
  if (text == "ADDED") return watch_event_type::added;
  if (text == "MODIFIED") return watch_event_type::modified;
  if (text == "DELETED") return watch_event_type::deleted;
  if (text == "BOOKMARK") return watch_event_type::bookmark;
  if (text == "ERROR") return watch_event_type::error;
  return std::nullopt;
}

}  // namespace

result<std::optional<watch_event>> watch_decoder::next() {
  for (;;) {
    const auto end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      if (buffer_.size() - begin_ > line_limit_)
        return error(disposition::overloaded, "Kubernetes sent an object that is larger than we accept.");
      buffer_.erase(0, begin_);
      searched_ -= begin_;
      begin_ = 0;
      return std::optional<watch_event>();
    }
    const auto line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = searched_ = end + 1;
    if (line.size() > line_limit_)
      return error(disposition::overloaded, "Kubernetes sent an object that is larger than we accept.");
    if (line.empty() || line == "\r") continue;
    auto parsed = parse_json(line);
    if (!parsed) return std::move(parsed).error();
    const auto type = type_of(text_at(*parsed, {"type"}));
    const auto* object = find(*parsed, {"object"});
    if (!object || !object->is_object())
      return error(disposition::invalid, "Kubernetes sent a watch event without an object.");
    if (!type) continue;
    watch_event out;
    out.type = *type;
    out.resource_version = text_at(*object, {"metadata", "resourceVersion"});
    out.object = std::make_unique<boost::json::value>(std::move(parsed->get_object()["object"]));
    return std::optional<watch_event>(std::move(out));
  }
}

reflector_machine::reflector_machine(reflector_options options, std::uint64_t seed)
    : options_(options), backoff_(options.retry, seed), random_(seed) {}

reflector_machine::step reflector_machine::next() {
  step s;
  s.what = need_list_ ? step::kind::list : step::kind::watch;
  s.wait = std::exchange(wait_, rt::duration{});
  if (need_list_) return s;
  const auto least = std::chrono::duration_cast<std::chrono::seconds>(options_.watch_least);
  std::uniform_int_distribution<std::int64_t> extra(0, least.count());
  s.timeout = least + std::chrono::seconds(extra(random_));
  s.resource_version = version_;
  return s;
}

void reflector_machine::listed(rt::time_point, std::string resource_version) {
  version_ = std::move(resource_version);
  synced_ = true;
  need_list_ = false;
}

void reflector_machine::list_failed(rt::time_point now) { wait_ = backoff_.next(now); }

void reflector_machine::watch_opened(rt::time_point now) {
  opened_ = now;
  any_event_ = false;
}

/// Closes the watch. One that was open for a while has worked: whatever fails from now on is a new failure.
bool reflector_machine::worked(rt::time_point now) {
  const auto opened = std::exchange(opened_, std::nullopt);
  const bool did = opened && now - *opened >= options_.shortest_watch;
  if (did) backoff_.reset();
  return did;
}

void reflector_machine::gone(rt::time_point now) {
  need_list_ = true;
  wait_ = backoff_.next(now);
}

reflector_machine::verdict reflector_machine::event(rt::time_point now, const watch_event& e) {
  if (e.type == watch_event_type::error) {
    // 410: our version is too old. What any other error leaves undelivered is unknown, so it costs a list as well.
    worked(now);
    gone(now);
    return verdict::stop_watching;
  }
  any_event_ = true;
  if (!e.resource_version.empty()) version_ = e.resource_version;
  switch (e.type) {
    case watch_event_type::added:
    case watch_event_type::modified:
      return verdict::upsert;
    case watch_event_type::deleted:
      return verdict::remove;
    default:
      return verdict::nothing;
  }
}

void reflector_machine::watch_ended(rt::time_point now, const error* why) {
  const bool good = worked(now);
  if (!why) {
    if (!any_event_ && !good) wait_ = backoff_.next(now);
    return;
  }
  if (why->code() == code_gone) return gone(now);
  // A watch that worked and is cut is ordinary (a proxy's time limit, a new API server): go on at once from where we
  // are.
  if (why->disposition() == disposition::disconnected && good) return;
  wait_ = backoff_.next(now);
}

}  // namespace atrium::k8s
