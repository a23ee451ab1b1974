// One person at a terminal, reading: checks every byte and prints JSON.
//   bench_terminal_client flood PEER ORIGIN HOST TARGET COOKIE COMMAND PATTERN REPEATS
//     runs COMMAND, whose output must be the file PATTERN that many times; rate and own CPU time
//   bench_terminal_client interrupt PEER ORIGIN HOST TARGET COOKIE
//     runs `yes` in a shell, types Ctrl-C and a command behind it after 64 MB: how long until its answer is shown
// PEER: atrium (docs/protocols.md section 3) or terminado (JSON lists, the terminals of JupyterLab).
#include <boost/json.hpp>

#include <time.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "atrium/net/websocket.hpp"
#include "atrium/rt/loop.hpp"

using namespace atrium;
namespace json = boost::json;

namespace {

double seconds_of(clockid_t which) {
  timespec t{};
  ::clock_gettime(which, &t);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_terminal_client: %s\n", why.c_str());
  std::exit(1);
}

class terminal {
 public:
  terminal(std::unique_ptr<net::websocket> socket, bool atrium) : socket_(std::move(socket)), atrium_(atrium) {}

  rt::task<void> open(std::string command) {
    if (!atrium_) {
      co_await type(command + "\n");
      co_return;
    }
    json::object p{{"cols", 80}, {"rows", 24}};
    if (!command.empty()) p["command"] = command;
    co_await socket_->send_text(json::serialize(json::object{{"id", 1}, {"method", "terminal.open"}, {"params", p}}));
    while (channel_ < 0) (void)co_await next();
  }
  rt::task<void> type(std::string text) {
    if (!atrium_) {
      co_await socket_->send_text(json::serialize(json::array{"stdin", text}));
      co_return;
    }
    std::string frame(1, '\x01');
    for (int shift = 24; shift >= 0; shift -= 8) frame += char(channel_ >> shift);
    co_await socket_->send_binary(rt::as_bytes(frame + text));
  }
  /// The next piece of output; empty when the message was something else. Acknowledged as the web client does it.
  rt::task<std::string> next() {
    auto m = co_await socket_->receive();
    if (!m) give_up("the session was closed");
    if (!m->binary) co_return control(m->data);
    taken_ += m->data.size() - 5;
    if (taken_ - told_ >= 64 * 1024) {
      told_ = taken_;
      co_await socket_->send_text(R"({"id":2,"method":"terminal.ack","params":{"channel":)" + std::to_string(channel_) +
                                  R"(,"bytes":)" + std::to_string(taken_) + "}}");
    }
    m->data.erase(0, 5);
    co_return std::move(m->data);
  }

 private:
  std::string control(const std::string& text) {
    auto v = json::parse(text);
    if (!atrium_) return v.at(0) == "stdout" ? std::string(v.at(1).as_string()) : "";
    auto& o = v.as_object();
    if (o.contains("error")) give_up(text);
    if (o.contains("id") && o.at("id") == 1) channel_ = o.at("result").at("channel").to_number<std::int64_t>();
    return "";
  }
  std::unique_ptr<net::websocket> socket_;
  bool atrium_;
  std::int64_t channel_ = -1;
  std::uint64_t taken_ = 0, told_ = 0;
};

/// Output that must be `pattern` again and again, from where it begins (a shell may say something before).
class checker {
 public:
  explicit checker(std::string pattern) : pattern_(std::move(pattern)) {}
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = std::min(bytes.size(), pattern_.size() - at_);
      if (bytes.substr(0, n) != std::string_view(pattern_).substr(at_, n))
        give_up("wrong bytes behind " + std::to_string(total_));
      at_ = (at_ + n) % pattern_.size();
      total_ += n;
      bytes.remove_prefix(n);
    }
  }
  std::uint64_t total() const { return total_; }

 private:
  std::string pattern_;
  std::size_t at_ = 0;
  std::uint64_t total_ = 0;
};

rt::task<void> flood(terminal& t, std::string command, std::string pattern, std::uint64_t repeats) {
  const auto start = pattern.substr(0, 64);
  const auto whole = pattern.size() * repeats;
  checker check(std::move(pattern));
  const double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  co_await t.open(std::move(command));
  std::string before;
  for (bool found = false; !found;) {
    before += co_await t.next();
    const auto at = before.find(start);
    found = at != std::string::npos;
    if (found) check.take(std::string_view(before).substr(at));
  }
  while (check.total() < whole) {
    const auto piece = co_await t.next();
    check.take(std::string_view(piece).substr(0, whole - check.total()));
  }
  const double seconds = seconds_of(CLOCK_MONOTONIC) - began;
  std::printf("{\"bytes\": %llu, \"mb_per_second\": %.1f, \"client_cpu\": %.3f}\n",
              static_cast<unsigned long long>(whole), double(whole) / 1e6 / seconds,
              seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

rt::task<void> interrupt(terminal& t) {
  co_await t.open("");
  co_await t.type("yes\n");
  for (std::size_t seen = 0; seen < 64'000'000;) seen += (co_await t.next()).size();
  const double typed = seconds_of(CLOCK_MONOTONIC);
  co_await t.type("\x03");
  co_await t.type("echo quiet-$((40+2))\n");
  std::size_t behind = 0;
  for (std::string tail; tail.find("quiet-42") == std::string::npos;) {
    const auto piece = co_await t.next();
    behind += piece.size();
    tail = tail.substr(tail.size() > 64 ? tail.size() - 64 : 0) + piece;
  }
  std::printf("{\"ms\": %.1f, \"bytes_behind\": %zu}\n", (seconds_of(CLOCK_MONOTONIC) - typed) * 1e3, behind);
}

rt::task<void> run(char** argv) {
  const std::string what = argv[1];
  const bool atrium = argv[2] == std::string("atrium");
  auto where = net::origin::parse(argv[3]).value();
  const auto named = net::origin::parse("http://" + std::string(argv[4])).value();
  where.host = named.host;
  where.port = named.port;
  net::http_client client;
  net::request head{.target = argv[5], .headers = {{"Origin", "http://" + named.authority()}}};
  if (!where.unix_socket.empty()) head.headers.add("X-Forwarded-Host", named.authority());  // as the edge says it
  if (*argv[6]) head.headers.add("Cookie", argv[6]);
  terminal t(co_await net::connect_websocket(client, where, std::move(head)), atrium);
  if (what == "interrupt") {
    co_await interrupt(t);
    co_return;
  }
  std::ifstream in(argv[8], std::ios::binary);
  co_await flood(t, argv[7], {std::istreambuf_iterator<char>(in), {}}, std::strtoull(argv[9], nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) give_up("see the comment at the top of its source");
  rt::loop loop;
  loop.run(run(argv));
}
