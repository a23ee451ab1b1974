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

running_system::running_system(std::string backend) : backend_(std::move(backend)), client_({.response_timeout = 130s}) {
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
  up_ = rt::process::start({.argv = {ATRIUM_PROGRAM, "up", "--state", state_ + "/s", "--listen", listen_, "--web", state_ + "/web"},
                            .environment = std::move(environment), .standard_output = output.write.get(), .standard_error = -1, .die_with_parent = true});
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
  if (up_) co_await up_->stop(40s);
  up_.reset();
}

pid_t running_system::pid_of(const std::string& service) const { return std::atoi(whole_file(state_ + "/s/run/" + service + ".pid").c_str()); }

rt::task<net::http_client::whole> person::request(std::string method, std::string target, net::headers more, std::string body) {
  net::request r{.method = std::move(method), .target = std::move(target), .headers = std::move(more)};
  if (!cookie_.empty()) r.headers.add("Cookie", cookie_);
  if (!r.headers.contains("origin")) r.headers.add("Origin", "http://" + system_.address().authority());
  co_return co_await system_.client().fetch(system_.address(), std::move(r), std::move(body));
}

rt::task<json::value> person::api(std::string path, json::value body) {
  const auto answer = co_await request("POST", "/api/v2/" + path, {{"Content-Type", "application/json"}}, json::serialize(body));
  boost::system::error_code ec;
  auto value = json::parse(answer.body, ec);
  if (ec) fail(disposition::failed, path + " answered " + std::to_string(answer.status) + ": " + answer.body);
  for (const auto line : answer.headers.all("set-cookie"))
    if (line.starts_with("atrium_session=")) cookie_ = line.substr(0, line.find(';'));
  co_return value;
}

rt::task<void> person::sign_up(std::string email, std::string name) {
  const auto v = co_await api("auth/sign-up", {{"email", email}, {"password", "correct horse battery"}, {"firstName", name}, {"lastName", "Tester"}, {"terms", true}});
  if (!v.as_object().contains("account_id")) fail(disposition::failed, "sign-up: " + json::serialize(v));
  account_id_ = v.at("account_id").as_string();
}

rt::task<void> person::sign_in(std::string email) {
  const auto v = co_await api("auth/sign-in", {{"email", email}, {"password", "correct horse battery"}});
  if (!v.as_object().contains("account_id")) fail(disposition::failed, "sign-in: " + json::serialize(v));
  account_id_ = v.at("account_id").as_string();
}

rt::task<std::string> person::running_project(std::string title) {
  const auto made = co_await api("projects/create", {{"title", title}});
  if (!made.as_object().contains("project_id")) fail(disposition::failed, "create: " + json::serialize(made));
  const std::string id(made.at("project_id").as_string());
  const auto started = co_await api("projects/start", {{"project_id", id}});
  if (started.as_object().contains("error")) fail(disposition::failed, "start: " + json::serialize(started));
  co_return id;
}

rt::task<std::string> person::shell(std::string project, std::string command) {
  const auto v = co_await api("exec", {{"project_id", project}, {"command", command}, {"bash", true}});
  if (!v.as_object().contains("stdout")) fail(disposition::failed, "exec: " + json::serialize(v));
  co_return std::string(v.at("stdout").as_string());
}

}  // namespace atrium::tests
