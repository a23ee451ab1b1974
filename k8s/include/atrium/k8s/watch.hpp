/// @file watch.hpp - the protocol of list and watch without I/O: lines, events, and what to do next. Layer: k8s.
/// I/O-free.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"
#include "atrium/rt/backoff.hpp"

namespace atrium::k8s {

enum class watch_event_type : std::uint8_t { added, modified, deleted, bookmark, error };

/// One event. `object` is the whole object (of a bookmark: only kind and resourceVersion; of an error: a Status).
struct watch_event {
  watch_event();
  watch_event(watch_event&&) noexcept;
  watch_event& operator=(watch_event&&) noexcept;
  ~watch_event();
  watch_event_type type;
  std::unique_ptr<boost::json::value> object;
  std::string resource_version;
};

/// Cuts a byte stream into lines and lines into events.
class watch_decoder {
 public:
  explicit watch_decoder(std::size_t line_limit = 32u << 20) : line_limit_(line_limit) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole event, or nothing until more bytes come. Events of a type that we do not know are skipped.
  /// @errors invalid (not JSON, no object), overloaded (a line above the limit); the stream is good for nothing after
  /// that
  result<std::optional<watch_event>> next();

 private:
  std::size_t line_limit_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;
};

struct reflector_options {
  /// Between failed lists and watches, until a watch has worked again. client-go waits up to 30 s, for a cluster has
  /// thousands of kubelets; there are few of us, and people wait for what we see.
  rt::backoff_options retry = {.first = std::chrono::milliseconds(200), .longest = std::chrono::seconds(5)};
  rt::duration watch_least = std::chrono::minutes(5);  ///< server-side timeout of a watch: random from least to twice
  rt::duration quiet_limit =
      std::chrono::seconds(90);  ///< nothing at all for so long (bookmarks come about each minute): watch anew
  rt::duration shortest_watch = std::chrono::seconds(1);  ///< one that was open for so long has worked
};

/// Decides what a reflector does next. After: the reflector of client-go, with our own states.
class reflector_machine {
 public:
  explicit reflector_machine(reflector_options = {}, std::uint64_t seed = rt::random_seed());

  struct step {
    enum class kind : std::uint8_t { list, watch } what;
    rt::duration wait{};             ///< before doing it
    std::string resource_version;    ///< of a watch: where it starts
    std::chrono::seconds timeout{};  ///< of a watch: timeoutSeconds
  };
  step next();

  void listed(rt::time_point now, std::string resource_version);
  void list_failed(rt::time_point now);
  /// The server has accepted the watch that next() asked for.
  void watch_opened(rt::time_point now);
  enum class verdict : std::uint8_t { upsert, remove, nothing, stop_watching };
  /// What the event means for the cache. After stop_watching ask next(); watch_ended() is not needed then.
  verdict event(rt::time_point now, const watch_event&);
  /// The watch is over, or was not accepted: `why` empty when the server ended it in order.
  void watch_ended(rt::time_point now, const error* why);

  bool synced() const noexcept { return synced_; }
  const std::string& resource_version() const noexcept { return version_; }

 private:
  void gone(rt::time_point now);
  bool worked(rt::time_point now);
  reflector_options options_;
  rt::backoff backoff_;
  std::mt19937_64 random_;
  bool synced_ = false, need_list_ = true, any_event_ = false;
  std::string version_;
  rt::duration wait_{};
  std::optional<rt::time_point> opened_;  ///< the watch that is open
};

}  // namespace atrium::k8s
