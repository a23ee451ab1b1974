/// @file terminals.hpp - all terminals of a project, by name. Layer: app project. @thread the loop's
#pragma once

#include <map>
#include <memory>

#include "apps/project/files/home.hpp"
#include "apps/project/terminals/terminal.hpp"
#include "atrium/rt/scope.hpp"

namespace atrium::project {

struct terminal_request {
  std::string name;                  ///< empty: a new one
  std::string directory;             ///< clean path; of a new terminal
  std::vector<std::string> command;  ///< empty: a login shell
  terminal_size size;
};

class terminals {
 public:
  static constexpr std::size_t most = 100;
  terminals(const home& h, rt::scope& background) : home_(h), background_(background) {}
  /// Programs get SIGHUP.
  ~terminals();

  /// The terminal of that name, started if need be.
  /// @errors invalid (name, folder, size), not_found (program), overloaded (too many)
  std::shared_ptr<terminal> open(const terminal_request&);
  std::shared_ptr<terminal> find(const std::string& name) const;
  const std::map<std::string, std::shared_ptr<terminal>>& all() const noexcept { return running_; }

 private:
  std::string free_name() const;
  const home& home_;
  rt::scope& background_;
  std::map<std::string, std::shared_ptr<terminal>> running_;
};

}  // namespace atrium::project
