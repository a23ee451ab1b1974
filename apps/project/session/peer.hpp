/// @file peer.hpp - the other end of a session, as documents and terminals see it. Layer: app project.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "apps/project/session/json_text.hpp"
#include "atrium/rt/task.hpp"

namespace atrium::project {

struct person {
  std::string account_id, name, color;
};

/// Lives as long as its session; who keeps a pointer is told when it ends (leave functions). @thread the loop's
class peer {
 public:
  virtual ~peer() = default;
  /// Sends an event without waiting. A peer that is too far behind is disconnected instead: it reconnects and resumes.
  virtual void push(std::string json) noexcept = 0;
  /// Waits while the peer does not take it. @errors disconnected
  virtual rt::task<void> send_binary(std::span<const std::byte> frame) = 0;

  /// Asks the session to end with this close code. @see RFC 6455 section 7.4
  virtual void end(std::uint16_t code, std::string reason) noexcept = 0;

  const std::string& session() const noexcept { return session_; }
  const person& who() const noexcept { return who_; }
  /// {"session","account_id","name","color"}
  std::string json() const {
    return json_object()
        .text("session", session_)
        .text("account_id", who_.account_id)
        .text("name", who_.name)
        .text("color", who_.color)
        .done();
  }

 protected:
  peer(std::string session, person who) : session_(std::move(session)), who_(std::move(who)) {}

 private:
  std::string session_;
  person who_;
};

}  // namespace atrium::project
