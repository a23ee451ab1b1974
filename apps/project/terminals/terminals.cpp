#include "apps/project/terminals/terminals.hpp"

#include <fcntl.h>

#include <algorithm>

#include "apps/project/environment.hpp"

namespace atrium::project {

namespace {

bool usable_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 &&
         std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

rt::task<void> run(std::shared_ptr<terminal> t) { co_await t->run(); }

}  // namespace

terminals::~terminals() {
  for (const auto& [name, t] : running_) t->kill();
}

std::shared_ptr<terminal> terminals::find(const std::string& name) const {
  const auto it = running_.find(name);
  return it == running_.end() ? nullptr : it->second;
}

std::string terminals::free_name() const {
  for (std::size_t n = 1;; ++n)
    if (auto name = "terminal-" + std::to_string(n); !running_.contains(name)) return name;
}

std::shared_ptr<terminal> terminals::open(const terminal_request& request) {
  if (auto there = request.name.empty() ? nullptr : find(request.name)) return there;
  if (!request.name.empty() && !usable_name(request.name))
    fail(disposition::invalid, "A terminal's name has 1 to 100 characters, without control characters.");
  if (running_.size() >= most)
    fail(disposition::overloaded, "There are 100 terminals in this project. Close some first.");
  terminal_options o;
  o.name = request.name.empty() ? free_name() : request.name;
  o.argv = request.command.empty() ? std::vector<std::string>{login_shell(), "-l"} : request.command;
  o.size = request.size;
  o.environment = user_environment(home_.path());
  set_variable(o.environment, "TERM", "xterm-256color");
  set_variable(o.environment, "COLORTERM", "truecolor");
  set_variable(o.environment, "ATRIUM_TERMINAL", o.name);
  o.directory = home_.path();
  if (!request.directory.empty() && request.directory != ".") {
    home_.open(request.directory, O_PATH | O_DIRECTORY);  // it is one, and inside
    o.directory = home_.path() + "/" + home_.real_path(request.directory);
  }
  auto made = terminal::start(o);
  made->on_ended = [this, name = o.name, weak = std::weak_ptr(made)] {
    const auto it = running_.find(name);
    if (it != running_.end() && it->second == weak.lock()) running_.erase(it);
  };
  running_[o.name] = made;
  background_.spawn(run(made), "terminal");
  return made;
}

}  // namespace atrium::project
