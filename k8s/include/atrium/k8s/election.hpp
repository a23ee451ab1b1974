/// @file election.hpp - one leader among replicas by a Lease, with a fencing token. Layer: k8s.
/// After: Gray & Cheriton, "Leases", 1989; the leader election of client-go (15 s, 10 s, 2 s).
#pragma once

#include <functional>

#include "atrium/k8s/client.hpp"
#include "atrium/k8s/objects.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::k8s {

struct election_options {
  std::string ns, name;  ///< of the Lease
  std::string identity;  ///< of this process: never used by another one, not even by its successor
  /// Not empty: a process starts under this name only when the one before has ended, and identities begin with it and
  /// a slash. So what such a one held is free, although its lease has not expired.
  std::string replica;
  rt::duration lease_duration = std::chrono::seconds(15);  ///< others wait so long after the last sign of life
  rt::duration renew_deadline = std::chrono::seconds(10);  ///< we stop leading when no renewal succeeded for so long
  rt::duration retry_period = std::chrono::seconds(2);
};

/// I/O-free: looks at the Lease and the time and says what to write. Compares no clocks of different machines: a lease
/// has expired when we have seen it unchanged for lease_duration.
class election_machine {
 public:
  explicit election_machine(election_options options) : options_(std::move(options)) {}

  struct step {
    enum class kind : std::uint8_t { create, take, renew, wait } what;
    lease write;          ///< of create, take, renew: with the resourceVersion that was seen
    rt::duration wait{};  ///< before the next look
  };
  /// `seen` is empty when there is no Lease.
  step look(rt::time_point now, wall_time wall, const std::optional<lease>& seen);
  /// Our write succeeded; `written` is the server's answer. `sent_at` is when it was sent.
  void wrote(rt::time_point sent_at, const lease& written);
  /// Our write failed, or the Lease could not be read: leading ends when the renew deadline has passed.
  void failed() noexcept {}

  bool leading(rt::time_point now) const noexcept { return token_ && now < renewed_ + options_.renew_deadline; }
  /// Grows with every change of leader: give it to whatever you write to, and let it refuse smaller ones.
  std::optional<std::int64_t> token() const noexcept { return token_; }
  /// When leading() turns false unless renewed.
  rt::time_point valid_until() const noexcept { return renewed_ + options_.renew_deadline; }
  /// The Lease given up by its leader (so that the next one need not wait).
  std::optional<lease> release(wall_time wall) const;
  void lost() noexcept { token_.reset(); }

 private:
  election_options options_;
  std::optional<std::int64_t> token_;
  rt::time_point renewed_{};
  lease mine_;
  std::string observed_;  // holder and renew time as last seen changing
  rt::time_point observed_at_{};
};

/// Competes for the Lease until cancelled. While leading, runs `lead(token)`, a coroutine that does the leader's work
/// and normally never returns; it is cancelled (reason revoked) as soon as the lease can no longer be proved, and
/// joined before anything else. A failure of `lead` gives the lease back and is rethrown. On cancellation the lease is
/// given back.
/// @errors none of the API's: they are logged and tried again
rt::task<void> run_elected(client&, election_options, std::function<rt::task<void>(std::int64_t token)> lead);

/// "<replica>/<host name>-<pid>-<random>", or without the first part: a good identity.
std::string unique_identity(const std::string& replica = {});

}  // namespace atrium::k8s
