// When to create, take and renew a Lease, without I/O.
#include <unistd.h>

#include "atrium/k8s/election.hpp"

namespace atrium::k8s {

namespace {

// A Lease that somebody deleted must not make tokens start again below those already used, so a new one starts at the
// number of minutes since 2024: leaders do not change every minute for years.
std::int64_t first_token(wall_time wall) {
  using namespace std::chrono;
  return duration_cast<minutes>(wall - sys_days(year{2024} / 1 / 1)).count();
}

std::string signature_of(const lease& l) {
  return l.meta.uid + "/" + l.holder + "/" + std::to_string(l.transitions) + "/" +
         (l.renewed ? format_micros(*l.renewed) : "");
}

}  // namespace

election_machine::step election_machine::look(rt::time_point now, wall_time wall, const std::optional<lease>& seen) {
  using kind = step::kind;
  step s{kind::wait, {}, options_.retry_period};
  lease& w = s.write;
  if (seen) w = *seen;
  w.meta.ns = options_.ns;
  w.meta.name = options_.name;
  w.holder = options_.identity;
  w.duration_seconds =
      static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count());
  w.renewed = wall;
  if (!seen) {
    token_.reset();
    s.what = kind::create;
    w.transitions = std::max(first_token(wall), mine_.transitions + 1);
    w.acquired = wall;
    return s;
  }
  if (seen->holder == options_.identity && token_ && seen->transitions == *token_) {
    s.what = kind::renew;
    return s;
  }
  token_.reset();  // somebody else has it, or it is from another life of ours
  if (auto signature = signature_of(*seen); signature != observed_) {
    observed_ = std::move(signature);
    observed_at_ = now;
  }
  const auto lasts = std::max<rt::duration>(options_.lease_duration, std::chrono::seconds(seen->duration_seconds));
  const auto expires = observed_at_ + lasts;
  const bool ended = !options_.replica.empty() && seen->holder.starts_with(options_.replica + "/");
  if (!seen->holder.empty() && !ended && now < expires) {
    s.wait = std::min<rt::duration>(options_.retry_period, expires - now);
    return s;
  }
  s.what = kind::take;
  w.transitions = seen->transitions + 1;
  w.acquired = wall;
  return s;
}

void election_machine::wrote(rt::time_point sent_at, const lease& written) {
  mine_ = written;
  token_ = written.transitions;
  renewed_ = sent_at;
}

std::optional<lease> election_machine::release(wall_time wall) const {
  if (!token_) return std::nullopt;
  lease l = mine_;
  l.holder.clear();
  l.duration_seconds = 1;
  l.renewed = wall;
  return l;
}

std::string unique_identity(const std::string& replica) {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  char tail[32];
  std::snprintf(tail, sizeof tail, "-%d-%08x", int(getpid()), unsigned(rt::random_seed()));
  return (replica.empty() ? "" : replica + "/") + host + tail;
}

}  // namespace atrium::k8s
