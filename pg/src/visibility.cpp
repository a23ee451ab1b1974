#include "atrium/pg/visibility.hpp"

#include <algorithm>

namespace atrium::pg {

namespace {
constexpr auto visible_within = std::chrono::seconds(10);
constexpr auto look_again = std::chrono::milliseconds(2);
}  // namespace

void visibility::note(const change_batch& batch) {
  forget_old();
  if (!batch.resync) unseen_.push_back({batch.transaction, rt::clock::now()});
}

void visibility::forget_old() {
  while (!unseen_.empty() && rt::clock::now() - unseen_.front().at > visible_within) unseen_.pop_front();
}

rt::task<snapshot> visibility::take_snapshot(pool& sessions) {
  forget_old();
  std::vector<std::uint32_t> awaited;  // of this call: what comes meanwhile is none of its business
  for (const auto& d : unseen_) awaited.push_back(d.transaction);
  for (;;) {
    auto seen = snapshot::parse((co_await sessions.query(snapshot::query)).one().get<std::string_view>(0)).value();
    std::erase_if(unseen_, [&](const delivery& d) { return seen.sees(d.transaction); });
    std::erase_if(awaited, [&](std::uint32_t t) { return seen.sees(t); });
    if (awaited.empty()) co_return seen;
    co_await rt::sleep_for(look_again);
  }
}

rt::task<void> visibility::wait(pool& sessions) {
  if (!unseen_.empty()) co_await take_snapshot(sessions);
}

}  // namespace atrium::pg
