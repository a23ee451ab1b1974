/// @file typist.hpp - somebody at a terminal: types numbered lines into a program that writes each to a file and then
/// says so. What was said is in the file, and nothing is there twice.
#pragma once

#include <set>

#include "tests/integration/kills/world.hpp"

namespace atrium::tests {

class typist {
 public:
  typist(world&, std::size_t project, std::string name);

  /// Until cancelled.
  rt::task<void> run();
  /// The program answered the last line, and it was typed after `since`.
  bool answered_since(rt::time_point since) const { return answered_at_ > since; }
  const std::string& name() const noexcept { return name_; }
  /// What it met last.
  const std::string& trouble() const noexcept { return trouble_; }
  /// Compares with the file.
  void check() const;

 private:
  rt::task<void> live();
  rt::task<void> type_line();
  void take_output(std::string_view);
  std::string file() const { return name_ + ".log"; }

  world& world_;
  std::size_t project_;
  std::string name_;
  chance chance_;
  std::unique_ptr<session> page_;
  std::int64_t channel_ = 0;
  std::string output_, trouble_;
  std::size_t typed_ = 0;
  std::set<std::size_t> answered_;
  rt::time_point answered_at_{};
};

}  // namespace atrium::tests
