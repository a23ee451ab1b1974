#include <boost/json.hpp>

#include "apps/project/session/parameters.hpp"
#include "apps/project/session/session.hpp"

namespace atrium::project {

namespace {

constexpr std::size_t most_updates = 10'000;

std::vector<update> updates_of(const boost::json::object& p) {
  const auto* given = p.if_contains("updates");
  const auto* array = given ? given->if_array() : nullptr;
  if (!array || array->size() > most_updates)
    fail(disposition::invalid, "\"updates\" must be a list of at most 10,000 updates.");
  std::vector<update> out;
  out.reserve(array->size());
  for (const auto& item : *array) {
    const auto* o = item.if_object();
    const auto* changes = o ? o->if_contains("changes") : nullptr;
    if (!changes) fail(disposition::invalid, "An update has \"clientID\", \"id\" and \"changes\".");
    update u;
    u.client_id = text_parameter(*o, "clientID");
    if (u.client_id.size() > 200) fail(disposition::invalid, "The clientID is too long.");
    if (const auto* id = o->if_contains("id"); id && id->is_number()) u.id = boost::json::serialize(*id);
    else u.id = optional_text(*o, "id").value_or("");
    if (u.id.size() > 200) fail(disposition::invalid, "The id of an update is too long.");
    u.changes = change_set::parse(*changes).value();
    out.push_back(std::move(u));
  }
  return out;
}

std::string ranges_of(const boost::json::object& p) {
  const auto* given = p.if_contains("ranges");
  const auto* array = given ? given->if_array() : nullptr;
  if (!array || array->size() > 1000) fail(disposition::invalid, "\"ranges\" must be a list of at most 1,000 ranges.");
  return json_array(*array, [](const boost::json::value& v) {
    const auto* o = v.if_object();
    if (!o) fail(disposition::invalid, "A range has \"anchor\" and \"head\".");
    return json_object()
        .number("anchor", number_parameter(*o, "anchor", 1u << 30))
        .number("head", number_parameter(*o, "head", 1u << 30))
        .done();
  });
}

}  // namespace

rt::task<std::string> session::document_open(const parameters& p) {
  const auto path = path_parameter(p, "path");
  const auto since = optional_number(p, "since", 1ull << 62);
  const auto epoch = optional_text(p, "epoch").value_or("");
  const auto d = co_await all_.docs.open(path);
  real_paths_[path] = d->path();
  co_return d->open(*this, since, epoch);
}

std::shared_ptr<shared_document> session::document_of(const parameters& p) {
  const auto path = path_parameter(p, "path");
  auto d = all_.docs.find(path);
  if (!d)
    if (const auto real = real_paths_.find(path); real != real_paths_.end()) d = all_.docs.find(real->second);
  if (!d) fail(disposition::conflict, "The document is not open any more. Open it again.");
  return d;
}

rt::task<std::string> session::document_push(const parameters& p) {
  const auto d = document_of(p);
  co_return d->push(*this, text_parameter(p, "epoch"), number_parameter(p, "version", 1ull << 62), updates_of(p));
}

rt::task<std::string> session::document_cursor(const parameters& p) {
  const auto d = document_of(p);
  d->cursor(*this, optional_text(p, "clientID").value_or(""), ranges_of(p));
  co_return "{}";
}

rt::task<std::string> session::document_close(const parameters& p) {
  const auto path = path_parameter(p, "path");
  const auto real = real_paths_.find(path);
  const auto d = all_.docs.find(real == real_paths_.end() ? path : real->second);
  if (d) d->leave(*this);
  real_paths_.erase(path);
  co_return "{}";
}

}  // namespace atrium::project
