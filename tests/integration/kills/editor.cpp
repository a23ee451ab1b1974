#include "tests/integration/kills/editor.hpp"

#include "apps/project/collab/unicode.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;
using project::change_set;

namespace {

json::value json_of(const change_set& c) {
  std::string text;
  c.append_json(text);
  return json::parse(text);
}

std::u16string wide(const std::string& ascii) { return {ascii.begin(), ascii.end()}; }

}  // namespace

editor::editor(world& w, std::size_t project, std::size_t person, std::string name)
    : world_(w), project_(project), person_(person), name_(std::move(name)), chance_(w.the_plan.seed, name_) {}

std::vector<std::string> editor::lines() const {
  std::vector<std::string> out;
  for (std::size_t n = 0; n < typed_; ++n) out.push_back(line(n));
  return out;
}

rt::task<void> editor::run() {
  for (;;) {
    try {
      co_await live();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      if (lost(f)) world_.found.count("editors disconnected");
      else world_.found.count("editors refused: " + f.error().public_text());
    }
    connected_ = false;
    page_.reset();
    co_await rt::sleep_for(chance_.between(50ms, 300ms));
  }
}

rt::task<void> editor::live() {
  co_await open();
  connected_ = true;
  for (;;) {
    if (!world_.quiet) type_line();
    if (client_->unconfirmed().empty()) co_await page_->call("ping");
    else co_await push();
    co_await rt::sleep_for(world_.quiet ? 50ms : chance_.between(20ms, 250ms));
  }
}

rt::task<void> editor::open() {
  page_ = co_await session::open(world_.system.client(), world_.system.address(),
                                 "/" + world_.projects[project_].id + "/ws", world_.people[person_]->cookie(),
                                 world_.found, {.event = [this](json::object& e) {
                                   if (e.at("event").as_string() != "document.updates") return;
                                   if (e.at("path").as_string() != path || !connected_) return;
                                   take_updates(e.at("version").to_number<std::uint64_t>(), e.at("updates").as_array());
                                 }});
  json::object p{{"path", path}};
  if (client_) p["since"] = client_->version(), p["epoch"] = epoch_;
  const auto answer = co_await page_->call("document.open", std::move(p));
  const auto version = answer.at("version").to_number<std::uint64_t>();
  if (const auto* text = answer.as_object().if_contains("text")) {
    if (client_) world_.found.count("documents opened anew");
    start_over(project::utf8_to_utf16(std::string(text->as_string())).value(), version);
  } else {
    take_updates(client_->version(), answer.at("updates").as_array());
  }
  epoch_ = answer.at("epoch").as_string();
  // What the server said it had taken must be there.
  if (typed_ - client_->unconfirmed().size() < acknowledged_)
    world_.found.violation("acknowledged lines of " + name_ + " are lost: " + std::to_string(acknowledged_) +
                           " were acknowledged, " + std::to_string(typed_ - client_->unconfirmed().size()) +
                           " are there");
}

/// A whole text instead of the updates since: what is not in it is typed again.
void editor::start_over(std::u16string text, std::uint64_t version) {
  client_.emplace(name_ + "#" + std::to_string(++lives_), std::move(text), version);
  for (std::size_t n = 0; n < typed_; ++n) {
    if (client_->text().find(wide(line(n))) != std::u16string::npos) continue;
    if (n < acknowledged_) world_.found.violation("an acknowledged line is lost: " + line(n));
    else client_->edit(change_set::replacing(client_->text().size(), 0, 0, wide(line(n))));
  }
}

void editor::take_updates(std::uint64_t version, const json::array& updates) {
  if (version != client_->version())
    world_.found.violation("updates of " + name_ + " came with a gap or twice: at " +
                           std::to_string(client_->version()) + ", got " + std::to_string(version));
  for (const auto& u : updates) {
    if (version++ != client_->version()) continue;
    client_->receive(std::string(u.at("clientID").as_string()), change_set::parse(u.at("changes")).value());
    world_.found.count("updates received");
  }
  acknowledged_ = std::max(acknowledged_, typed_ - client_->unconfirmed().size());
}

void editor::type_line() {
  const auto& text = client_->text();
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == u'\n') starts.push_back(i + 1);
  const auto at = starts[chance_.below(starts.size())];
  client_->edit(change_set::replacing(text.size(), at, at, wide(line(typed_++))));
  world_.found.count("lines typed");
}

rt::task<void> editor::push() {
  json::array updates;
  for (const auto& u : client_->unconfirmed())
    updates.push_back(json::object{{"clientID", u.client_id}, {"id", u.id}, {"changes", json_of(u.changes)}});
  const auto first = typed_ - client_->unconfirmed().size();
  const auto answer = co_await page_->call(
      "document.push",
      {{"path", path}, {"epoch", epoch_}, {"version", client_->version()}, {"updates", std::move(updates)}});
  acknowledged_ = std::max(acknowledged_, first + answer.at("accepted").to_number<std::size_t>());
}

}  // namespace atrium::tests
