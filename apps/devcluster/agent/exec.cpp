#include "apps/devcluster/agent/exec.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "atrium/base/log.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::devcluster {

namespace {

constexpr auto output_after_end = std::chrono::seconds(2);

/// Descriptors of our side of a command's streams.
struct streams {
  rt::unique_fd input, output, errors;
  rt::unique_fd terminal;  ///< instead of the three
  rt::event output_done, errors_done, client_gone;

  int input_fd() const noexcept { return terminal ? terminal.get() : input.get(); }
  int output_fd() const noexcept { return terminal ? terminal.get() : output.get(); }
};

rt::task<void> forward(exec_transport& client, channel on, int fd, rt::event& done) {
  try {
    std::vector<std::byte> buffer(32u << 10);
    while (const auto n = co_await rt::read_some(fd, buffer))
      co_await client.send(on, std::span<const std::byte>(buffer).first(n));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  done.set();
}

void resize(int terminal, const std::string& text) {
  json::error_code bad;
  const json::value size = json::parse(text, bad);
  if (bad || terminal < 0) return;
  const auto columns = int_at(size, {"Width"}).value_or(0), rows = int_at(size, {"Height"}).value_or(0);
  if (columns > 0 && columns < 10000 && rows > 0 && rows < 10000)
    rt::resize_pty(terminal, static_cast<unsigned>(columns), static_cast<unsigned>(rows));
}

/// Input and sizes of the window, until the client is gone; then the command goes too.
rt::task<void> listen(exec_transport& client, streams& io, const rt::process& command) {
  bool broken = false;
  try {
    while (auto m = co_await client.receive()) {
      if (m->on == channel::resize) resize(io.terminal.get(), m->data);
      if (m->on != channel::input) continue;
      if (!broken && !m->data.empty() && io.input_fd() >= 0) {
        try {
          co_await rt::write_all(io.input_fd(), rt::as_bytes(m->data));
        } catch (const failure& f) {
          if (f.disposition() == disposition::cancelled) throw;
          broken = true;  // the command reads no more: what comes is dropped
        }
      }
      if (m->end && !io.terminal) io.input.close();
    }
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  io.client_gone.set();
  command.signal(SIGKILL);
}

/// The descriptor that came through a Unix socket, or none.
rt::unique_fd receive_descriptor(int from) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (::recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (!head || head->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  ::fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
  return rt::unique_fd(fd);
}

/// Gives `body` some time; what fails there is not worth more.
rt::task<void> at_most(rt::duration limit, rt::task<void> body) {
  try {
    co_await rt::with_timeout(limit, std::move(body));
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
}

rt::task<void> wait_outputs(streams& io) {
  co_await io.output_done.wait();
  co_await io.errors_done.wait();
}

}  // namespace

result<exec_request> exec_request::parse(const query_list& query) {
  exec_request out;
  const auto yes = [](const std::string& text) { return text == "true" || text == "1"; };
  for (const auto& [key, value] : query) {
    if (key == "command") out.command.push_back(value);
    else if (key == "container") out.container = value;
    else if (key == "stdin") out.input = yes(value);
    else if (key == "stdout") out.output = yes(value);
    else if (key == "stderr") out.errors = yes(value);
    else if (key == "tty") out.terminal = yes(value);
  }
  if (out.terminal) out.errors = false;
  if (out.command.empty()) return api_error("BadRequest", "you must specify at least one command");
  if (!out.input && !out.output && !out.errors)
    return api_error("BadRequest", "you must specify at least one of stdin, stdout, stderr");
  return out;
}

std::string exit_status_text(int code) {
  if (code == 0) return R"({"metadata":{},"status":"Success"})";
  const json::value status = {
      {"metadata", json::object()},
      {"status", "Failure"},
      {"message",
       "command terminated with non-zero exit code: error executing command, exit code " + std::to_string(code)},
      {"reason", "NonZeroExitCode"},
      {"details", {{"causes", json::array{{{"reason", "ExitCode"}, {"message", std::to_string(code)}}}}}},
      {"code", 500}};
  return json::serialize(status);
}

rt::task<void> run_exec(exec_transport& client, const rt::process_options& how, const exec_request& request) {
  streams io;
  rt::process_options options = how;
  rt::unique_fd theirs[3];
  rt::unique_fd terminal_channel;
  if (request.terminal) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      throw failure(system_error(errno, "a terminal"));
    terminal_channel = rt::unique_fd(pair[0]);
    ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
    theirs[0] = rt::unique_fd(pair[1]);
    options.descriptors.emplace_back(pair[1], pair[1]);
    options.argv.insert(options.argv.begin() + 3, {"--terminal", std::to_string(pair[1])});
  } else {
    auto in = rt::make_pipe(false, true), out = rt::make_pipe(true, false), err = rt::make_pipe(true, false);
    if (request.input) io.input = std::move(in.write);
    io.output = std::move(out.read);
    io.errors = std::move(err.read);
    theirs[0] = std::move(in.read);
    theirs[1] = std::move(out.write);
    theirs[2] = std::move(err.write);
    in.write.close();
    options.standard_input = theirs[0].get();
    options.standard_output = theirs[1].get();
    options.standard_error = theirs[2].get();
  }
  auto command = rt::process::start(options);
  for (auto& fd : theirs) fd.close();
  if (terminal_channel) {
    co_await rt::readable(terminal_channel.get());
    io.terminal = receive_descriptor(terminal_channel.get());
    if (io.terminal) rt::resize_pty(io.terminal.get(), 80, 24);
    else io.output_done.set();  // the sandbox could not be entered
  }
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    if (io.output_fd() >= 0) s.spawn(forward(client, channel::output, io.output_fd(), io.output_done), "exec output");
    if (request.terminal) io.errors_done.set();
    else s.spawn(forward(client, channel::errors, io.errors.get(), io.errors_done), "exec errors");
    s.spawn(listen(client, io, command), "exec input");
    const int code = (co_await command.wait()).code;
    // A process left behind may hold the streams open; a client may not take what we say.
    co_await at_most(output_after_end, wait_outputs(io));
    co_await at_most(std::chrono::seconds(5), client.finish(exit_status_text(code)));
    co_await at_most(std::chrono::seconds(2), io.client_gone.wait());
    s.cancel(rt::cancel_reason::requested);
  });
}

rt::task<void> serve_exec(net::exchange& ex, pod_worker& pod, const query_list& query) {
  auto request = exec_request::parse(query);
  if (!request) throw failure(request.error());
  const auto where = pod.inside(request->container);
  if (!where) throw failure(where.error());
  auto how = pod.entering(*where, request->command);
  if (request->terminal) how.environment->push_back("TERM=xterm-256color");
  std::unique_ptr<exec_transport> client;
  const auto& headers = ex.request().headers;
  // A WebSocket is no document: as the API server does, refuse clients that take only some kind of document.
  if (const auto accept = headers.find("Accept").value_or("");
      headers.has_token("Upgrade", "websocket") && !accept.empty() && accept.find('*') == accept.npos)
    throw failure(api_error("NotAcceptable", "406: Not Acceptable\n\nAvailable representations: "));
  if (headers.has_token("Upgrade", "websocket")) client = co_await accept_websocket_exec(ex);
  else if (headers.find("Upgrade").value_or("").starts_with("SPDY/3.1"))
    client = co_await accept_spdy_exec(ex, *request);
  else
    throw failure(api_error(
        "BadRequest",
        "Upgrade request required: exec needs a WebSocket (v5.channel.k8s.io or v4.channel.k8s.io) or SPDY/3.1."));
  co_await run_exec(*client, how, *request);
}

}  // namespace atrium::devcluster
