#include "tests/integration/system/running_system.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "atrium/rt/scope.hpp"

namespace atrium::tests {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

std::string free_address() {
  const auto probe = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  return probe.local().text();
}

std::string whole_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string tail_of_logs(const std::string& state) {
  std::string out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(state + "/logs", ignored)) {
    const auto text = whole_file(entry.path());
    out += "\n== " + entry.path().filename().string() + "\n" + text.substr(text.size() > 1500 ? text.size() - 1500 : 0);
  }
  return out;
}

}  // namespace

running_system::running_system(std::string backend, std::vector<std::string> flags)
    : backend_(std::move(backend)), flags_(std::move(flags)), client_({.response_timeout = patience(130s)}) {
  char pattern[] = "/tmp/atrium-system-XXXXXX";
  if (!::mkdtemp(pattern)) throw failure(system_error(errno, "mkdtemp"));
  state_ = pattern;
  fs::permissions(state_, fs::perms(0711));  // project processes of uid 2001 pass through
  fs::create_directories(state_ + "/web");
  std::ofstream(state_ + "/web/index.html") << "<!doctype html><html><head><title>Atrium</title></head></html>";
}

running_system::~running_system() {
  up_.reset();
  std::error_code ignored;
  fs::remove_all(state_, ignored);
}

rt::task<void> running_system::start() {
  if (listen_.empty()) listen_ = free_address();
  address_ = net::origin::parse("http://" + listen_).value();
  std::vector<std::string> environment;
  for (char** e = environ; *e; ++e)
    if (!std::string_view(*e).starts_with("ATRIUM_")) environment.emplace_back(*e);
  if (!backend_.empty()) environment.push_back("ATRIUM_RUNTIME_BACKEND=" + backend_);
  auto output = rt::make_pipe(true, false);
  std::vector<std::string> argv{ATRIUM_PROGRAM, "up",    "--state", state_ + "/s",
                                "--listen",     listen_, "--web",   state_ + "/web"};
  argv.insert(argv.end(), flags_.begin(), flags_.end());
  up_ = rt::process::start({.argv = std::move(argv),
                            .environment = std::move(environment),
                            .standard_output = output.write.get(),
                            .standard_error = -1,
                            .die_with_parent = true});
  output.write.close();
  std::string text;
  std::byte buffer[512];
  while (text.find('\n') == std::string::npos) {
    const auto n = co_await rt::read_some(output.read.get(), buffer);
    if (n == 0) fail(disposition::failed, "atrium up ended before it was ready:" + tail_of_logs(state_ + "/s"));
    text += rt::as_text(std::span(buffer).first(n));
  }
  if (text != "ready http://" + listen_ + "/\n") fail(disposition::failed, "unexpected output: " + text);
}

rt::task<void> running_system::stop() {
  if (up_) co_await up_->stop(patience(40s));
  up_.reset();
}

pid_t running_system::pid_of(const std::string& service) const {
  return std::atoi(whole_file(state_ + "/s/run/" + service + ".pid").c_str());
}

}  // namespace atrium::tests
