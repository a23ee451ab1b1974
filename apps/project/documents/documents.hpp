/// @file documents.hpp - all open documents of a project. Layer: app project. @thread the loop's
#pragma once

#include <map>
#include <memory>

#include "apps/project/documents/shared_document.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::project {

class documents {
 public:
  /// Tasks of documents run in `background`, which must be joined before this is destroyed.
  documents(const home& h, watcher& w, rt::scope& background) : home_(h), watcher_(w), background_(background) {}

  /// The document of a clean path, opened if need be. @errors not_found, invalid, denied, overloaded (too many open)
  rt::task<std::shared_ptr<shared_document>> open(std::string path);
  /// An open one, or null.
  std::shared_ptr<shared_document> find(const std::string& path) const;
  void leave(peer& p) noexcept;
  std::size_t size() const noexcept { return open_.size(); }

  /// Renames on disk; open documents (also those in a renamed folder) go along. @errors as rename_path
  rt::task<void> rename(std::string from, std::string to);

  /// Finishes what a killed server left: journals that say that a file may not be complete. Also drops journals that
  /// nobody used for 30 days. Ends when done; what fails is logged.
  rt::task<void> recover();
  /// Closes documents that nobody has looked at for a while. Until cancelled.
  rt::task<void> run_housekeeping();
  /// Saves everything and closes it.
  rt::task<void> close_all();

 private:
  rt::task<void> close(std::shared_ptr<shared_document> d);

  const home& home_;
  watcher& watcher_;
  rt::scope& background_;
  std::map<std::string, std::shared_ptr<shared_document>> open_;
  rt::mutex loading_;
};

}  // namespace atrium::project
