#include "tests/integration/kills/typist.hpp"

#include <charconv>
#include <fstream>

namespace atrium::tests {

using namespace std::chrono_literals;

typist::typist(world& w, std::size_t project, std::string name)
    : world_(w), project_(project), name_(std::move(name)), chance_(w.the_plan.seed, name_) {}

rt::task<void> typist::run() {
  for (;;) {
    try {
      co_await live();
    } catch (const failure& f) {
      if (f.disposition() == disposition::cancelled) throw;
      world_.found.count("terminals lost");
      trouble_ = f.error().public_text() + " " + f.error().peer_text();
    }
    page_.reset();
    co_await rt::sleep_for(chance_.between(50ms, 300ms));
  }
}

rt::task<void> typist::live() {
  output_.clear();
  page_ = co_await session::open(world_.system.client(), world_.system.address(),
                                 "/" + world_.projects[project_].id + "/ws",
                                 world_.people[world_.projects[project_].owner]->cookie(), world_.found,
                                 {.output = [this](std::string_view o) { take_output(o); }});
  const auto opened = co_await page_->call(
      "terminal.open", {{"terminal", name_},
                        {"cols", 80},
                        {"rows", 24},
                        {"command", "stty -echo; while read -r n; do echo $n >> " + file() + "; echo got $n.; done"}});
  channel_ = opened.at("channel").to_number<std::int64_t>();
  for (;;) {
    co_await type_line();
    co_await rt::sleep_for(chance_.between(50ms, 400ms));
  }
}

/// Types the next number, and waits for the program's answer.
rt::task<void> typist::type_line() {
  const auto n = typed_++;
  const auto began = rt::clock::now();
  co_await page_->type(channel_, std::to_string(n) + "\n");
  world_.found.count("terminal lines typed");
  while (!answered_.contains(n)) {
    if (rt::clock::now() - began > 8s) fail(disposition::timed_out, "The terminal does not answer.");
    co_await page_->call("ping");
    co_await rt::sleep_for(10ms);
  }
  answered_at_ = rt::clock::now();
}

void typist::take_output(std::string_view more) {
  output_ += more;
  std::size_t done = 0;
  for (auto at = output_.find("got "); at != std::string::npos; at = output_.find("got ", at + 1)) {
    const auto end = output_.find('.', at);
    if (end == std::string::npos) break;
    std::size_t n = 0;
    const auto [p, bad] = std::from_chars(output_.data() + at + 4, output_.data() + end, n);
    if (bad == std::errc{} && p == output_.data() + end) {
      if (n >= typed_) world_.found.violation("a terminal says a line that nobody typed: " + std::to_string(n));
      answered_.insert(n);
    }
    done = end;
  }
  output_.erase(0, done);
}

void typist::check() const {
  std::ifstream in(world_.home(world_.projects[project_]) + "/" + file());
  std::set<std::size_t> written;
  for (std::size_t n = 0; in >> n;)
    if (!written.insert(n).second) world_.found.violation(name_ + ": line came twice: " + std::to_string(n));
  for (const auto n : answered_)
    if (!written.contains(n)) world_.found.violation(name_ + ": an acknowledged line is lost: " + std::to_string(n));
  world_.found.count("terminal lines acknowledged", answered_.size());
}

}  // namespace atrium::tests
