#include "apps/project/parts.hpp"

#include "atrium/rt/blocking.hpp"

namespace atrium::project {

void presence::join(peer& p) {
  peers_.insert(&p);
  announce();
}

void presence::leave(peer& p) noexcept {
  if (peers_.erase(&p) > 0) announce();
}

void presence::announce() {
  const auto event = json_object()
                         .text("event", "presence")
                         .raw("users", json_array(peers_, [](const peer* p) { return p->json(); }))
                         .done();
  for (auto* p : peers_) p->push(event);
}

rt::task<std::string> status_json(parts& p) {
  const auto used = co_await rt::blocking([] { return measure_usage(); });
  co_return json_object()
      .number("last_activity", p.active.last_ms())
      .number("started", p.active.started_ms())
      .number("memory_bytes", used.memory_bytes)
      .raw("cpu_seconds", std::to_string(used.cpu_seconds))
      .number("terminals", p.terms.all().size())
      .number("documents", p.docs.size())
      .number("connections", p.people.size())
      .done();
}

}  // namespace atrium::project
