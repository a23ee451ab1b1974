// Closed-loop load on one thread: bench_load KIND PORT [option=value...]. Prints one line of JSON.
// KIND: tcp (echo of `bytes`), websocket (echo on /echo), fanout (connection 0 publishes on /fanout, all must hear),
// http (GET `path`). Every request is the same bytes and every answer has the same length, so that the generator costs
// little; field=NAME: VALUE adds a line to its head. The server's CPU time is read here, at the edges of the measured
// window: options pid= (all its threads and direct children) and counter= (see counter.hpp).
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n", why.c_str());
  std::exit(1);
}

struct options {
  std::string kind, path = "/", fields, pid, counter;
  unsigned port = 0, connections = 64, depth = 1;
  std::size_t bytes = 64;
  double seconds = 1, warmup = 0.3;
};

struct connection {
  int fd = -1;
  std::size_t to_send = 0, to_receive = 0;
  bool wants_output = false;
  clock_type::time_point began;
};

class load {
 public:
  explicit load(options o) : o_(std::move(o)), scratch_(1u << 20) {}
  void run();

 private:
  int connect_one();
  void prepare();
  void upgrade(int fd, const std::string& path);
  void begin(connection&);
  void send_more(connection&);
  void receive(connection&);
  void finished(connection&);
  void pass(clock_type::time_point until);
  std::string frame(std::string payload) const;

  const options o_;
  std::vector<char> scratch_;
  std::string request_;
  std::size_t answer_ = 0;
  std::vector<connection> all_;
  int epoll_ = -1;
  std::uint64_t operations_ = 0;
  std::size_t waiting_ = 0;
  bool fanout_ = false;
  std::vector<std::uint32_t> latencies_;
};

std::string read_file(const std::string& path) {
  std::string out;
  if (FILE* f = std::fopen(path.c_str(), "r")) {
    char buffer[4096];
    while (const auto n = std::fread(buffer, 1, sizeof buffer, f)) out.append(buffer, n);
    std::fclose(f);
  }
  return out;
}

std::uint64_t cpu_of_process(const std::string& pid) {
  std::uint64_t sum = 0;
  const std::string tasks = "/proc/" + pid + "/task";
  DIR* d = ::opendir(tasks.c_str());
  if (!d) give_up("the server is gone");
  while (const auto* e = ::readdir(d)) {
    if (e->d_name[0] == '.') continue;
    sum += std::strtoull(read_file(tasks + "/" + e->d_name + "/schedstat").c_str(), nullptr, 10);
  }
  ::closedir(d);
  return sum;
}

/// Of the process and its children (nginx's worker).
std::uint64_t cpu_of(const std::string& pid) {
  if (pid.empty()) return 0;
  auto sum = cpu_of_process(pid);
  const auto children = read_file("/proc/" + pid + "/task/" + pid + "/children");
  for (std::size_t at = 0; at < children.size();) {
    const auto end = children.find(' ', at);
    if (end == std::string::npos) break;
    sum += cpu_of_process(children.substr(at, end - at));
    at = end + 1;
  }
  return sum;
}

std::uint64_t count_in(const std::string& path) {
  std::uint64_t value = 0;
  const auto bytes = path.empty() ? std::string() : read_file(path);
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

int load::connect_one() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(o_.port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) give_up("cannot connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Blocking; returns everything up to the end of the head and what came with it.
std::string ask(int fd, const std::string& request) {
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    give_up("cannot send");
  std::string got;
  while (got.find("\r\n\r\n") == std::string::npos) {
    char buffer[4096];
    const auto n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) give_up("no answer: " + got);
    got.append(buffer, static_cast<std::size_t>(n));
  }
  return got;
}

void load::upgrade(int fd, const std::string& path) {
  const auto got = ask(fd, "GET " + path +
                               " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                               o_.fields + "\r\n");
  if (!got.starts_with("HTTP/1.1 101")) give_up("not upgraded: " + got);
}

std::string load::frame(std::string payload) const {
  const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  std::string out = "\x82";
  const auto n = payload.size();
  const auto big_endian = [&](int size) {
    for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(n >> (8 * i)));
  };
  if (n < 126) out.push_back(static_cast<char>(0x80 | n));
  else if (n < 65536) {
    out.push_back(static_cast<char>(0xfe));
    big_endian(2);
  } else {
    out.push_back(static_cast<char>(0xff));
    big_endian(8);
  }
  out.append(reinterpret_cast<const char*>(mask), 4);
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  return out;
}

void load::prepare() {
  const auto head = [](std::size_t n) -> std::size_t { return n < 126 ? 2 : n < 65536 ? 4 : 10; };
  std::string one(o_.bytes, 'x');
  answer_ = o_.bytes;
  if (o_.kind == "websocket" || o_.kind == "fanout") {
    answer_ = o_.bytes + head(o_.bytes);
    one = frame(std::move(one));
    fanout_ = o_.kind == "fanout";
  } else if (o_.kind == "http") {
    one =
        "GET " + o_.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n" + o_.fields + "\r\n";
    const int fd = connect_one();
    const auto got = ask(fd, one);
    ::close(fd);
    const auto end = got.find("\r\n\r\n") + 4;
    auto lower = got.substr(0, end);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto length = lower.find("content-length:");
    if (!got.starts_with("HTTP/1.1 200") || length == std::string::npos) give_up("unexpected answer: " + got);
    answer_ = end + std::strtoull(lower.c_str() + length + 15, nullptr, 10);
  } else if (o_.kind != "tcp") {
    give_up("unknown kind");
  }
  for (unsigned i = 0; i < o_.depth; ++i) request_ += one;
  answer_ *= o_.depth;
}

void load::send_more(connection& c) {
  while (c.to_send > 0) {
    const auto n =
        ::send(c.fd, request_.data() + (request_.size() - c.to_send), c.to_send, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) give_up("send failed");
    if (n > 0) c.to_send -= static_cast<std::size_t>(n);
    if (n < 0 || c.to_send > 0) break;
  }
  const bool wants = c.to_send > 0;
  if (wants == c.wants_output) return;
  c.wants_output = wants;
  epoll_event e{};
  e.events = wants ? EPOLLIN | EPOLLOUT : EPOLLIN;
  e.data.ptr = &c;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &e);
}

void load::begin(connection& c) {
  c.began = clock_type::now();
  if (fanout_) {
    for (auto& other : all_) other.to_receive = answer_;
    waiting_ = all_.size();
  } else {
    c.to_receive = answer_;
  }
  c.to_send = request_.size();
  send_more(c);
}

void load::finished(connection& c) {
  operations_ += o_.depth;
  if (fanout_) {
    if (--waiting_ > 0) return;
    latencies_.push_back(static_cast<std::uint32_t>((clock_type::now() - all_[0].began).count()));
    return begin(all_[0]);
  }
  latencies_.push_back(static_cast<std::uint32_t>((clock_type::now() - c.began).count()));
  begin(c);
}

void load::receive(connection& c) {
  const auto n = ::recv(c.fd, scratch_.data(), scratch_.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) give_up("the server closed a connection");
  if (static_cast<std::size_t>(n) > c.to_receive) give_up("the answer is longer than expected");
  c.to_receive -= static_cast<std::size_t>(n);
  if (c.to_receive == 0) finished(c);
}

void load::pass(clock_type::time_point until) {
  epoll_event events[256];
  while (clock_type::now() < until) {
    const int n = ::epoll_wait(epoll_, events, std::size(events), 2000);
    if (n == 0) give_up("no answer for two seconds");
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<connection*>(events[i].data.ptr);
      if (events[i].events & EPOLLOUT) send_more(c);
      if (events[i].events & ~EPOLLOUT) receive(c);
    }
  }
}

void load::run() {
  prepare();
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  all_.resize(o_.connections);
  for (auto& c : all_) {
    c.fd = connect_one();
    if (o_.kind == "websocket" || o_.kind == "fanout") upgrade(c.fd, o_.path);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.ptr = &c;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &e);
  }
  if (fanout_) begin(all_[0]);
  else
    for (auto& c : all_) begin(c);
  const auto span = [](double s) {
    return std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(s));
  };
  pass(clock_type::now() + span(o_.warmup));
  latencies_.clear();
  const auto operations = operations_, cpu = cpu_of(o_.pid), own = cpu_of_process(std::to_string(::getpid()));
  const auto counted = count_in(o_.counter);
  const auto from = clock_type::now();
  pass(from + span(o_.seconds));
  const auto used = cpu_of(o_.pid) - cpu, used_here = cpu_of_process(std::to_string(::getpid())) - own;
  const auto seconds = std::chrono::duration<double>(clock_type::now() - from).count();
  const auto done = double(operations_ - operations);
  const auto allocated = double(count_in(o_.counter) - counted);
  std::sort(latencies_.begin(), latencies_.end());
  const auto at = [&](double q) {
    return latencies_.empty() ? 0.0 : double(latencies_[std::size_t(double(latencies_.size() - 1) * q)]) / 1e3;
  };
  std::printf(
      "{\"operations\": %.0f, \"per_second\": %.0f, \"cpu_us\": %.4f, \"busy\": %.3f, \"load_busy\": %.3f, "
      "\"allocations\": %.4f, "
      "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
      done, done / seconds, double(used) / 1e3 / done, double(used) / 1e9 / seconds, double(used_here) / 1e9 / seconds,
      allocated / done, at(0.5), at(0.99));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage: bench_load KIND PORT [option=value...]");
  options o;
  o.kind = argv[1];
  o.port = static_cast<unsigned>(std::atoi(argv[2]));
  for (int i = 3; i < argc; ++i) {
    const std::string text = argv[i];
    const auto name = text.substr(0, text.find('=')), value = text.substr(text.find('=') + 1);
    if (name == "connections") o.connections = static_cast<unsigned>(std::stoul(value));
    else if (name == "depth") o.depth = static_cast<unsigned>(std::stoul(value));
    else if (name == "bytes") o.bytes = std::stoul(value);
    else if (name == "seconds") o.seconds = std::stod(value);
    else if (name == "warmup") o.warmup = std::stod(value);
    else if (name == "path") o.path = value;
    else if (name == "field") o.fields += value + "\r\n";
    else if (name == "pid") o.pid = value;
    else if (name == "counter") o.counter = value;
    else give_up("unknown option " + name);
  }
  load(std::move(o)).run();
}
