#include "apps/devcluster/server/cluster.hpp"

#include <filesystem>
#include <fstream>

#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::devcluster {

namespace {

constexpr auto event_lifetime = std::chrono::hours(1);
constexpr std::size_t most_events = 2000;

/// Waits up to a second while the address is in use. @errors conflict
rt::task<rt::listener> bind_patiently(rt::endpoint at) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    try {
      co_return rt::listener::bind(at);
    } catch (const failure& f) {
      if (f.disposition() != disposition::conflict) throw;
    }
    co_await rt::sleep_for(std::chrono::milliseconds(10));
  }
  co_return rt::listener::bind(at);
}

}  // namespace

cluster_state::cluster_state(std::string folder)
    : folder_(std::move(folder)),
      journal_(folder_ + "/objects"),
      registry_(store_, [] { return std::chrono::system_clock::now(); }),
      api_(registry_),
      credentials_(load_credentials(folder_ + "/pki")) {
  journal_.load(store_);
  store_.on_change([this](const change& c) { journal_.append(c); });
  registry_.bootstrap();
  log::info("objects loaded", {{"resource_version", store_.current()}, {"pods", store_.all(kinds::pods()).size()}});
}

rt::task<void> cluster_state::flush() {
  if (auto sync = journal_.begin_sync()) co_await rt::blocking(std::move(sync));
}

rt::task<void> cluster_state::compact() {
  std::optional<error> problem;
  try {
    auto rest = journal_.begin_compaction(store_);
    co_await rt::blocking(std::move(rest));
  } catch (...) {
    problem = error_of(std::current_exception());
    if (problem->disposition() == disposition::cancelled) throw;
  }
  if (!problem) co_return;
  journal_.compaction_failed();
  // The old logs are still there: nothing is lost, only longer to read.
  log::error("cannot compact the object log", {{"error", *problem}});
  co_await rt::sleep_for(std::chrono::seconds(10));
}

void cluster_state::forget_old_events() {
  const auto now = std::chrono::system_clock::now();
  std::vector<object_ptr> gone;
  std::multimap<revision, object_ptr> by_age;
  for (const auto& [key, event] : store_.all(kinds::events())) {
    auto seen = parse_rfc3339(text_at(event->value(), {"lastTimestamp"}));
    if (!seen) seen = parse_rfc3339(text_at(event->value(), {"metadata", "creationTimestamp"}));
    if (!seen || now - *seen > event_lifetime) gone.push_back(event);
    else by_age.emplace(event->revision(), event);
  }
  for (auto at = by_age.begin(); by_age.size() > most_events; at = by_age.erase(at)) gone.push_back(at->second);
  for (const auto& event : gone) store_.erase(kinds::events(), event->name_space(), event->name());
}

rt::task<void> cluster_state::keep() {
  for (unsigned second = 1;; ++second) {
    co_await rt::sleep_for(std::chrono::seconds(1));
    co_await flush();
    if (second % 60 == 0) forget_old_events();
    if (journal_.compaction_due()) co_await compact();
  }
}

rt::task<rt::listener> bind_api(std::string address, std::string folder) {
  auto wanted = rt::endpoint::parse(address);
  const std::string remembered = folder + "/port";
  if (wanted.port() == 0) {
    unsigned port = 0;
    std::ifstream(remembered) >> port;
    if (port > 0 && port < 65536) {
      try {
        co_return co_await bind_patiently(rt::endpoint::ip(wanted.host(), static_cast<std::uint16_t>(port)));
      } catch (const failure& f) {
        if (f.disposition() != disposition::conflict) throw;
        log::warn("the port of the last time is taken; kubeconfig files change", {{"port", port}});
      }
    }
  }
  auto listener = co_await bind_patiently(wanted);
  std::ofstream(remembered) << listener.local().port() << "\n";
  co_return listener;
}

}  // namespace atrium::devcluster
