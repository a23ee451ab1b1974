/// @file owner.hpp - somebody who starts, stops and restarts projects, by the browser's socket or by API v2, and
/// repeats what was not answered until it is.
#pragma once

#include <map>
#include <optional>

#include "tests/integration/kills/world.hpp"

namespace atrium::tests {

class owner {
 public:
  /// By API v2 each request is answered when it is done, by the socket when it is accepted.
  owner(world&, std::size_t index, bool by_api);

  /// Until cancelled.
  rt::task<void> run();
  /// Nothing waits for an answer, and every edited project is wanted.
  bool content() const;
  /// What it waits for, and by which way.
  std::string wanting() const;
  /// State of each of its projects as its page shows it; empty when no page is open.
  const std::map<std::string, std::string>& shown() const noexcept { return shown_; }
  bool by_api() const noexcept { return by_api_; }

 private:
  struct wish {
    std::size_t project;
    std::string action;
  };
  rt::task<void> live();
  rt::task<void> fulfil();
  rt::task<void> fulfil_by_api();
  void choose();
  void take_event(json::object&);
  void show(const json::value& row);
  rt::task<void> open_page();

  world& world_;
  std::size_t index_;
  bool by_api_;
  chance chance_;
  std::vector<std::size_t> mine_;
  std::optional<wish> wish_;
  std::unique_ptr<session> page_;
  std::map<std::string, std::string> rows_, shown_;
};

}  // namespace atrium::tests
