#include "tests/integration/kills/owner.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;

owner::owner(world& w, std::size_t index, bool by_api)
    : world_(w), index_(index), by_api_(by_api), chance_(w.the_plan.seed, "owner" + std::to_string(index)) {
  for (std::size_t i = 0; i < w.projects.size(); ++i)
    if (w.projects[i].owner == index) mine_.push_back(i);
}

bool owner::content() const {
  if (wish_) return false;
  for (const auto i : mine_)
    if (world_.projects[i].edited && !world_.projects[i].wanted) return false;
  return true;
}

std::string owner::wanting() const {
  if (!wish_) return "person " + std::to_string(index_) + " is about to start a project";
  return wish_->action + " of " + world_.projects[wish_->project].id + (by_api_ ? " by API" : "");
}

rt::task<void> owner::run() {
  for (;;) {
    try {
      co_await live();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      world_.found.count("pages lost");
    }
    page_.reset();
    rows_.clear();
    shown_.clear();
    co_await rt::sleep_for(chance_.between(50ms, 300ms));
  }
}

rt::task<void> owner::live() {
  co_await open_page();
  for (;;) {
    if (!wish_) choose();
    if (wish_) co_await fulfil();
    else co_await page_->call("ping");
    co_await rt::sleep_for(world_.quiet ? 100ms : chance_.between(100ms, 1200ms));
  }
}

rt::task<void> owner::open_page() {
  page_ =
      co_await session::open(world_.system.client(), world_.system.address(), "/hub", world_.people[index_]->cookie(),
                             world_.found, {.event = [this](json::object& e) { take_event(e); }});
  const auto answer = co_await page_->call("subscribe", {{"query", "projects"}});
  for (const auto& row : answer.at("rows").as_array()) show(row);
}

void owner::take_event(json::object& e) {
  if (e.at("event").as_string() != "changes") return;
  for (const auto& change : e.at("changes").as_array()) {
    world_.found.count("changes pushed to pages");
    if (change.at("op").as_string() == "upsert") show(change.at("row"));
    else world_.found.violation("a page was told that a project is gone: " + json::serialize(change));
  }
}

void owner::show(const json::value& row) {
  const std::string id(row.at("project_id").as_string());
  auto text = json::serialize(row);
  const auto known = rows_.find(id);
  if (known != rows_.end() && known->second == text) world_.found.violation("a change was pushed twice: " + text);
  rows_[id] = std::move(text);
  const auto* state = row.at("state").if_object();
  shown_[id] = state && state->contains("state") ? std::string(state->at("state").as_string()) : "opened";
}

void owner::choose() {
  if (world_.quiet) {
    for (const auto i : mine_)
      if (world_.projects[i].edited && !world_.projects[i].wanted) wish_ = wish{i, "start"};
    return;
  }
  std::size_t running = 0;
  for (const auto i : mine_) running += world_.projects[i].wanted;
  const std::size_t most = std::max<std::size_t>(1, world_.the_plan.running / world_.the_plan.people);
  const auto i = mine_[chance_.below(mine_.size())];
  const auto& p = world_.projects[i];
  if (!p.wanted && running < most) wish_ = wish{i, "start"};
  else if (!p.wanted || (p.edited && chance_.one_in(2))) {
    for (const auto other : mine_)  // make room
      if (world_.projects[other].wanted && chance_.one_in(3)) {
        wish_ = wish{other, chance_.one_in(3) ? "restart" : "stop"};
        break;
      }
  } else {
    wish_ = wish{i, chance_.one_in(3) ? "restart" : "stop"};
  }
}

rt::task<void> owner::fulfil() {
  auto& p = world_.projects[wish_->project];
  try {
    if (by_api_ && wish_->action != "restart") co_await fulfil_by_api();
    else co_await page_->call("projects." + wish_->action, {{"project_id", p.id}});
  } catch (const failure& f) {
    if (lost(f)) throw;
    world_.found.count("refused: " + f.error().public_text());
    co_return;  // again
  }
  p.wanted = wish_->action != "stop";
  world_.found.count("requests accepted: " + wish_->action);
  wish_.reset();
}

rt::task<void> owner::fulfil_by_api() {
  const auto& p = world_.projects[wish_->project];
  const auto answer = co_await world_.people[index_]->api("projects/" + wish_->action, {{"project_id", p.id}});
  if (const auto* e = answer.as_object().if_contains("error"))
    throw failure(error(disposition::failed, "API: " + json::serialize(*e)).with_code("answer"));
}

}  // namespace atrium::tests
