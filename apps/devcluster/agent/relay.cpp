#include "apps/devcluster/agent/relay.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace atrium::devcluster {

namespace {

constexpr std::size_t piece = 64u << 10;
constexpr std::uint32_t addresses = 254u * 254u;

rt::task<void> copy(rt::socket& from, rt::socket& to) {
  try {
    while (true) {
      co_await from.wait_readable();  // idle connections hold no buffer
      std::vector<std::byte> buffer(piece);
      const auto n = co_await from.recv_some(buffer);
      if (n == 0) break;
      co_await to.send_all(std::span<const std::byte>(buffer).first(n));
    }
    to.shutdown_send();
  } catch (const failure& f) {
    from.shutdown();
    to.shutdown();
    if (f.disposition() == disposition::cancelled) throw;
  }
}

std::string address_of(std::uint32_t index) {
  return "127.16." + std::to_string(index / 254 % 254) + "." + std::to_string(1 + index % 254);
}

}  // namespace

bool pod_relay::bind(const std::string& address) {
  try {
    for (const auto port : ports_) listeners_.push_back(rt::listener::bind(rt::endpoint::ip(address, port)));
    address_ = address;
    return true;
  } catch (const failure& f) {
    listeners_.clear();
    if (f.disposition() != disposition::conflict) throw;
    return false;
  }
}

rt::task<std::unique_ptr<pod_relay>> pod_relay::open(std::string socket_folder, std::vector<std::uint16_t> ports,
                                                     std::string wanted, std::uint32_t seed) {
  std::unique_ptr<pod_relay> out(new pod_relay);
  out->folder_ = rt::unique_fd(::open(socket_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out->folder_) throw failure(system_error(errno, "The folder of the pod's sockets cannot be opened"));
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  out->ports_ = std::move(ports);
  for (int attempt = 0; !wanted.empty() && attempt < 100; ++attempt) {
    if (out->bind(wanted)) co_return out;
    co_await rt::sleep_for(std::chrono::milliseconds(10));
  }
  for (std::uint32_t attempt = 0; attempt <= 4096; ++attempt)
    if (out->bind(address_of((seed + attempt) % addresses))) co_return out;
  fail(disposition::overloaded, "No loopback address is free for the pod.");
}

bool pod_relay::has_socket(std::uint16_t port) const noexcept {
  struct stat about{};
  return ::fstatat(folder_.get(), (std::to_string(port) + ".sock").c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISSOCK(about.st_mode);
}

rt::task<void> pod_relay::serve(rt::socket from, std::uint16_t port) {
  rt::socket to;
  try {
    const rt::unique_fd file(
        ::openat(folder_.get(), (std::to_string(port) + ".sock").c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat about{};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISSOCK(about.st_mode))
      co_return;  // refused: nothing listens there
    to = co_await rt::with_timeout(
        std::chrono::seconds(5),
        rt::socket::connect(rt::endpoint::unix_path("/proc/self/fd/" + std::to_string(file.get()))));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    co_return;
  }
  co_await rt::all(copy(from, to), copy(to, from));
}

rt::task<void> pod_relay::accept_all(rt::scope& connections, std::size_t index) {
  while (true) connections.spawn(serve(co_await listeners_[index].accept(), ports_[index]), "relayed connection");
}

rt::task<void> pod_relay::run() {
  co_await rt::with_scope([this](rt::scope& s) -> rt::task<void> {
    for (std::size_t i = 0; i < listeners_.size(); ++i) s.spawn(accept_all(s, i), "relay");
    co_return;
  });
}

}  // namespace atrium::devcluster
