#include "apps/devcluster/agent/probes.hpp"

#include "atrium/rt/scope.hpp"

namespace atrium::devcluster {

namespace {

rt::task<std::string> http_probe(const probe_target& target, const json::value& action) {
  const auto* port_value = find(action, {"port"});
  const auto port = port_value ? port_number(*target.container, *port_value) : std::uint16_t(0);
  std::string host(text_at(action, {"host"}));
  if (host.empty()) {
    host = target.address;
    if (!target.has_socket(port))
      co_return "dial tcp " + host + ":" + std::to_string(port) + ": connect: connection refused";
  }
  net::request head{.target = std::string(text_at(action, {"path"})),
                    .headers = {{"User-Agent", "kube-probe/1.33"}, {"Accept", "*/*"}, {"Connection", "close"}}};
  if (!head.target.starts_with('/')) head.target = "/" + head.target;
  for (const auto& header : array_at(action, {"httpHeaders"}))
    head.headers.add(std::string(text_at(header, {"name"})), std::string(text_at(header, {"value"})));
  const net::origin where{.secure = false, .host = host, .port = port, .unix_socket = {}};
  const auto answer = co_await target.http->fetch(where, std::move(head), {}, 64u << 10);
  if (answer.status >= 200 && answer.status < 400) co_return std::string();
  co_return "HTTP probe failed with statuscode: " + std::to_string(answer.status);
}

rt::task<std::string> attempt(const probe_target& target, const json::value& probe) {
  if (const auto* http = find(probe, {"httpGet"})) co_return co_await http_probe(target, *http);
  if (const auto* tcp = find(probe, {"tcpSocket", "port"})) {
    const auto port = port_number(*target.container, *tcp);
    if (!target.has_socket(port))
      co_return "dial tcp " + target.address + ":" + std::to_string(port) + ": connect: connection refused";
    (void)co_await rt::socket::connect(rt::endpoint::ip(target.address, port));
    co_return std::string();
  }
  if (const auto* exec = find(probe, {"exec"})) {
    std::vector<std::string> command;
    for (const auto& word : array_at(*exec, {"command"})) command.push_back(scalar_text(word));
    auto [code, output] = co_await target.run(std::move(command));
    if (code == 0) co_return std::string();
    co_return output.empty() ? "command ended with exit code " + std::to_string(code) : output.substr(0, 1024);
  }
  co_return std::string("this kind of probe is not known on this node");
}

}  // namespace

std::uint16_t port_number(const json::value& container, const json::value& port) {
  if (port.is_int64()) return static_cast<std::uint16_t>(port.get_int64());
  const auto name = port.is_string() ? as_view(port.get_string()) : std::string_view();
  for (const auto& declared : array_at(container, {"ports"}))
    if (text_at(declared, {"name"}) == name)
      return static_cast<std::uint16_t>(int_at(declared, {"containerPort"}).value_or(0));
  return static_cast<std::uint16_t>(std::strtoul(std::string(name).c_str(), nullptr, 10));
}

rt::task<std::string> probe_once(const probe_target& target, const json::value& probe) {
  const auto timeout = std::chrono::seconds(int_at(probe, {"timeoutSeconds"}).value_or(1));
  try {
    co_return co_await rt::with_timeout(timeout, attempt(target, probe));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    co_return f.disposition() == disposition::timed_out ? std::string("context deadline exceeded")
                                                        : f.error().public_text();
  }
}

}  // namespace atrium::devcluster
