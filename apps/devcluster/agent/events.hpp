/// @file events.hpp - Events about pods, with repetition counted. Layer: apps/devcluster, I/O-free.
#pragma once

#include <map>
#include <string>

#include "apps/devcluster/api/registry.hpp"

namespace atrium::devcluster {

class event_recorder {
 public:
  event_recorder(registry& objects, std::string node) : objects_(objects), node_(std::move(node)) {}

  enum class severity : std::uint8_t { normal, warning };
  /// The same reason and message about the same object is one Event with a count.
  /// `field` names a part of it ("spec.containers{main}"), or is empty. `component` is "kubelet" or
  /// "default-scheduler".
  void emit(const object& about, severity how, std::string_view reason, std::string message,
            std::string_view field = {}, std::string_view component = "kubelet");
  /// Forgets what it knows of an object that is gone.
  void forget(std::string_view uid);

 private:
  registry& objects_;
  std::string node_;
  std::map<std::string, std::string> known_;  // uid, reason, message -> name
};

}  // namespace atrium::devcluster
