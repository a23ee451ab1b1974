#include "client_pool.hpp"

#include <algorithm>

namespace atrium::net {

namespace {

/// Whether the server has said nothing meanwhile: an end of stream or stray bytes make an idle connection useless.
bool still_good(client_connection& c) {
  if (!c.input.empty()) return false;
  auto* s = c.stream->plain_socket();
  return !s || s->quiet();  // behind TLS a look costs a record: the retry covers it
}

}  // namespace

std::unique_ptr<client_connection> client_pool::take(const origin& to, rt::time_point now) {
  drop_old(now);
  const auto found = origins_.find(to);
  if (found == origins_.end()) return nullptr;
  auto& all = found->second;
  while (!all.empty()) {
    auto last = std::move(all.back());
    all.pop_back();
    if (now - last.since > idle_timeout_ || !still_good(*last.connection)) continue;
    last.connection->reused = true;
    return std::move(last.connection);
  }
  return nullptr;
}

void client_pool::put(std::unique_ptr<client_connection> c, rt::time_point now) {
  if (closed_ || per_origin_ == 0 || !c->input.empty()) return;
  c->input.release();
  auto& all = origins_[c->to];
  if (all.size() >= per_origin_) all.erase(all.begin());
  all.push_back({std::move(c), now});
}

/// Once in a while over all origins, so that hosts that are never asked again do not hold descriptors.
void client_pool::drop_old(rt::time_point now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + idle_timeout_ / 4;
  for (auto it = origins_.begin(); it != origins_.end();) {
    auto& all = it->second;
    all.erase(all.begin(),
              std::find_if(all.begin(), all.end(), [&](const idle& i) { return now - i.since <= idle_timeout_; }));
    it = all.empty() ? origins_.erase(it) : std::next(it);
  }
}

void client_pool::close() noexcept {
  closed_ = true;
  origins_.clear();
}

}  // namespace atrium::net
