/// @file fixture.hpp - a real `atrium project` process on Unix sockets with a home of its own, and browsers that use
/// it.
#pragma once

#include <unistd.h>

#include <boost/json.hpp>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "apps/domain/user_header.hpp"
#include "atrium/net/websocket.hpp"
#include "atrium/rt/process.hpp"
#include "tests/support/backends.hpp"

namespace atrium::tests {

using namespace std::chrono_literals;
namespace json = boost::json;

inline const std::string project_id = "5b0e8a3c-7f0e-4a51-9f57-1d1f4f6c9c11";
inline const std::string secret = "correct-horse-battery-staple";
inline const domain::account_id ann = domain::account_id::of("11111111-1111-4111-8111-111111111111");
inline const domain::account_id bob = domain::account_id::of("22222222-2222-4222-8222-222222222222");

/// The server process. Folders are removed at the end, whatever happens.
class project_server {
 public:
  explicit project_server(rt::backend_kind backend) : backend_(backend) {
    char name[] = "/tmp/atrium-project-XXXXXX";
    root_ = ::mkdtemp(name);
    std::filesystem::create_directory(home());
    std::filesystem::create_directory(root_ / "sockets");
  }
  ~project_server() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  project_server(const project_server&) = delete;

  std::filesystem::path home() const { return root_ / "home"; }
  net::origin browsers() const { return at("6001.sock"); }
  net::origin hubs() const { return at("6000.sock"); }
  pid_t pid() const { return process_->pid(); }

  void write(const std::string& path, std::string_view content) const {
    std::ofstream(home() / path, std::ios::binary) << content;
  }
  std::string read(const std::string& path) const {
    std::ifstream in(home() / path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Starts it and waits until it is ready.
  rt::task<void> start() {
    rt::process_options o;
    const char* other = std::getenv("ATRIUM_TEST_BINARY");  // the same tests on another build, with sanitizers say
    o.argv = {other ? other : ATRIUM_BINARY, "project", "--log-level", "warn"};
    o.environment = std::vector<std::string>{
        "HOME=" + home().string(),
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "ATRIUM_POD_SOCKETS=" + (root_ / "sockets").string(),
        "ATRIUM_PROJECT_ID=" + project_id,
        "ATRIUM_PROJECT_SECRET=" + secret,
        std::string("ATRIUM_RUNTIME_BACKEND=") + (backend_ == rt::backend_kind::epoll ? "epoll" : "io_uring")};
    o.standard_error = -2;
    o.die_with_parent = true;
    process_.emplace(rt::process::start(o));
    net::http_client client;
    for (;;) {
      try {
        if ((co_await client.fetch(browsers(), {.target = "/ready"})).status == 200) co_return;
      } catch (const failure&) {  // it does not listen yet
      }
      co_await rt::sleep_for(10ms);
    }
  }
  void kill() { process_.reset(); }  // SIGKILL
  rt::task<rt::exit_status> stop() { co_return co_await process_->stop(10s); }

 private:
  net::origin at(const char* socket) const {
    net::origin o;
    o.host = "project";
    o.unix_socket = root_ / "sockets" / socket;
    return o;
  }
  rt::backend_kind backend_;
  std::filesystem::path root_;
  std::optional<rt::process> process_;
};

inline net::headers identity(domain::account_id who, const std::string& name, std::chrono::seconds valid = 300s) {
  return {
      {"Authorization", "Bearer " + secret},
      {std::string(domain::user_header_name), domain::sign_user_header({who, name, domain::now() + valid}, secret)}};
}

/// A request that a hub passes on.
inline net::request from_hub(std::string method, std::string target, net::headers more = {}) {
  net::request r{
      .method = std::move(method), .target = std::move(target), .headers = {{"Authorization", "Bearer " + secret}}};
  for (const auto& [n, v] : more) r.headers.add(n, v);
  return r;
}

/// One page at /ws. Everything that comes is sorted: answers, events, output of terminals.
class browser {
 public:
  static rt::task<std::unique_ptr<browser>> connect(const project_server& s, domain::account_id who = ann,
                                                    std::string name = "Ann") {
    auto b = std::make_unique<browser>();
    b->socket_ = co_await net::connect_websocket(
        b->client_, s.browsers(), {.target = "/ws", .headers = identity(who, name)}, {.message_bytes = 64u << 20});
    co_return b;
  }

  bool acknowledges = true;  ///< of terminal output

  /// The answer's result. @errors failure with the code and message of an error answer
  rt::task<json::value> call(std::string method, json::object params = {}) {
    const auto id = co_await send(std::move(method), std::move(params));
    co_return co_await answer(id);
  }
  rt::task<std::int64_t> send(std::string method, json::object params = {}) {
    const auto id = ++last_id_;
    co_await socket_->send_text(
        json::serialize(json::object{{"id", id}, {"method", method}, {"params", std::move(params)}}));
    co_return id;
  }
  rt::task<json::value> answer(std::int64_t id) {
    co_await until([&] { return answers_.contains(id); });
    auto a = std::move(answers_.extract(id).mapped());
    if (const auto* e = a.if_contains("error"))
      throw failure(error(disposition_of(e->at("code").as_string()), std::string(e->at("message").as_string())));
    co_return a.at("result");
  }
  rt::task<error> refused(std::string method, json::object params = {}) {
    try {
      co_await call(method, std::move(params));
    } catch (const failure& f) {
      co_return f.error();
    }
    ADD_FAILURE() << method << " was not refused";
    co_return error(disposition::failed, "");
  }

  /// Takes the first event of that name (and for which `fits`), waiting for it.
  rt::task<json::object> event(std::string name, std::function<bool(const json::object&)> fits = {}) {
    for (;;) {
      for (auto it = events.begin(); it != events.end(); ++it)
        if (it->at("event").as_string() == name && (!fits || fits(*it))) {
          auto found = std::move(*it);
          events.erase(it);
          co_return found;
        }
      co_await read_one();
    }
  }
  /// Reads until `done`.
  rt::task<void> until(std::function<bool()> done) {
    while (!done()) co_await read_one();
  }
  rt::task<void> type(std::int64_t channel, std::string text) {
    std::string frame(1, '\x01');
    for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(channel >> shift);
    frame += text;
    co_await socket_->send_binary(rt::as_bytes(frame));
  }
  rt::task<void> send_raw(std::string text) { co_await socket_->send_text(text); }
  rt::task<void> shows(std::int64_t channel, std::string text) {
    try {
      co_await until([&] { return output[channel].find(text) != std::string::npos; });
    } catch (const failure&) {
      const auto& all = output[channel];
      ADD_FAILURE() << "the terminal does not show " << text
                    << " but ends with: " << all.substr(all.size() - std::min<std::size_t>(all.size(), 2000));
      throw;
    }
  }
  net::websocket& socket() { return *socket_; }

  std::map<std::int64_t, std::string> output;  ///< of terminals by channel
  std::deque<json::object> events;
  std::deque<json::object> strays;  ///< answers without an id

  rt::task<void> read_one() {
    auto m = co_await socket_->receive();
    if (!m) fail(disposition::disconnected, "The session was closed.");
    if (m->binary) {
      std::int64_t channel = 0;
      for (std::size_t i = 1; i < 5; ++i) channel = channel << 8 | static_cast<unsigned char>(m->data[i]);
      output[channel] += m->data.substr(5);
      if (acknowledges) co_await send("terminal.ack", {{"channel", channel}, {"bytes", output[channel].size()}});
      co_return;
    }
    auto object = json::parse(m->data).as_object();
    if (object.contains("event")) events.push_back(std::move(object));
    else if (object.at("id").is_number()) answers_[object.at("id").to_number<std::int64_t>()] = std::move(object);
    else strays.push_back(std::move(object));
  }

 private:
  static disposition disposition_of(std::string_view code) {
    for (int d = 0; d <= static_cast<int>(disposition::unimplemented); ++d)
      if (to_string(static_cast<disposition>(d)) == code) return static_cast<disposition>(d);
    return disposition::failed;
  }
  net::http_client client_;
  std::unique_ptr<net::websocket> socket_;
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, json::object> answers_;
};

inline std::string text_of(const json::value& v) { return std::string(v.as_string()); }
inline std::int64_t number_of(const json::value& v) { return v.to_number<std::int64_t>(); }

/// Runs `body` with a running server.
inline rt::task<void> with_project(rt::backend_kind backend, std::function<rt::task<void>(project_server&)> body) {
  project_server server(backend);
  co_await server.start();
  co_await body(server);
}

}  // namespace atrium::tests

/// A test with a server: PROJECT_TEST(Suite, Name) { ... use server, end with co_return or co_await ... }
#define PROJECT_TEST(suite, name)                                                               \
  static ::atrium::rt::task<void> suite##_##name(::atrium::tests::project_server& server);      \
  TEST_P(suite, name) { run(::atrium::tests::with_project(GetParam(), &suite##_##name), 60s); } \
  static ::atrium::rt::task<void> suite##_##name([[maybe_unused]] ::atrium::tests::project_server& server)
