/// @file collab_client.hpp - an editor as @codemirror/collab makes one: own changes wait until the authority has
/// ordered them.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "apps/project/collab/document.hpp"
#include "tests/unit/project/random_text.hpp"

namespace atrium::tests {

class collab_client {
 public:
  collab_client(std::string id, std::u16string text, std::uint64_t version)
      : id_(std::move(id)), text_(std::move(text)), version_(version) {}

  const std::string& id() const { return id_; }
  const std::u16string& text() const { return text_; }
  std::uint64_t version() const { return version_; }
  const std::deque<project::update>& unconfirmed() const { return unconfirmed_; }

  void edit(project::change_set c) {
    c.apply(text_);
    unconfirmed_.push_back({id_, std::to_string(++made_), std::move(c)});
  }

  /// Takes an update in the authority's order.
  void receive(const std::string& client, const project::change_set& changes) {
    ++version_;
    if (client == id_) {
      if (unconfirmed_.empty()) throw std::logic_error("an update came back that was confirmed before");
      unconfirmed_.pop_front();
      return;
    }
    project::change_set theirs = changes;
    for (auto& u : unconfirmed_) {
      auto mine = u.changes.map(theirs);
      theirs = theirs.map(u.changes, true);
      u.changes = std::move(mine);
    }
    theirs.apply(text_);
  }

  /// Starts over from a text of another epoch: what was unconfirmed is lost (the caller counts that as an error or
  /// not).
  void reset(std::u16string text, std::uint64_t version) {
    text_ = std::move(text);
    version_ = version;
    unconfirmed_.clear();
  }

 private:
  std::string id_;
  std::u16string text_;
  std::uint64_t version_;
  std::deque<project::update> unconfirmed_;
  std::uint64_t made_ = 0;
};

}  // namespace atrium::tests
