#include "tests/integration/security/stage.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace atrium::tests {

using namespace std::chrono_literals;

namespace {

/// Answers every request with the head as it arrived, and the body. Paths with /cookies/ set some, those with
/// /fields/<n> have n fields in their answer, those with /upgrade accept a WebSocket, others answer an upgrade with 200
/// like anything else. /heard/<word> is answered with the bytes that came before it on connections with that word in
/// them; all are then forgotten.
constexpr std::string_view telling_server = R"(import base64, hashlib, socket, sys, threading
heard = []
def read_body(more, buf, fields):
    n = int(fields.get('content-length', '0'))
    if fields.get('transfer-encoding') == 'chunked':
        while b'0\r\n\r\n' not in buf:
            d = more()
            if not d: break
            buf += d
        body, _, rest = buf.partition(b'0\r\n\r\n')
        return body, rest
    while len(buf) < n:
        d = more()
        if not d: break
        buf += d
    return buf[:n], buf[n:]
def serve(c):
    raw, buf = bytearray(), b''
    heard.append(raw)
    def more():
        d = c.recv(65536)
        raw.extend(d)
        return d
    while True:
        while b'\r\n\r\n' not in buf:
            d = more()
            if not d: return c.close()
            buf += d
        head, buf = buf.split(b'\r\n\r\n', 1)
        lines = head.decode('latin1').split('\r\n')
        fields = {k.lower(): v.strip() for k, v in (l.split(':', 1) for l in lines[1:])}
        path = lines[0].split(' ')[1]
        if '/upgrade' in path and 'sec-websocket-key' in fields:
            accept = base64.b64encode(hashlib.sha1((fields['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
            c.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
            out = head
            c.sendall(b'\x81\x7e' + len(out).to_bytes(2, 'big') + out)
            while c.recv(65536): pass
            return c.close()
        body, buf = read_body(more, buf, fields)
        out = head + b'\n\n' + body
        if '/heard' in path:
            del raw[-len(head) - 4:]
            out = b''.join(r for r in heard if path.rsplit('/', 1)[1].encode() in r)
            for r in heard: r.clear()
        more_fields = b''
        if '/fields/' in path:
            more_fields = b''.join(b'X-%d: 1\r\n' % i for i in range(int(path.rsplit('/', 1)[1]) - 2))
        if '/cookies/' in path:
            more_fields = b'Set-Cookie: atrium_session=evil; Path=/\r\nSet-Cookie: mine=1; Domain=example.org; Path=/\r\nSet-Cookie: __Host-atrium=1; Path=/\r\n'
        c.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n' + more_fields + b'Content-Length: %d\r\n\r\n' % len(out) + out)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(100)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
)";

}  // namespace

unsigned status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") && answer.size() > 12
             ? static_cast<unsigned>(std::atoi(std::string(answer.substr(9, 3)).c_str()))
             : 0;
}

std::size_t answers_in(std::string_view text) {
  std::size_t n = 0;
  for (auto at = text.find("HTTP/1.1 "); at != std::string_view::npos; at = text.find("HTTP/1.1 ", at + 1)) ++n;
  return n;
}

std::string token_of(const person& p) { return p.cookie().substr(p.cookie().find('=') + 1); }

bool refused(const json::value& answer) { return answer.is_object() && answer.as_object().contains("error"); }

rt::task<void> security::prepare(everything& all) {
  co_await all.system->start();
  co_await all.ada.sign_up("ada@example.org", "Ada");
  co_await all.bob.sign_up("bob@example.org", "Bob");
  co_await all.eve.sign_up("eve@example.org", "Eve");
  all.project = co_await all.ada.running_project("Guarded");
  const auto file =
      co_await all.ada.request("PUT", "/" + all.project + "/files/tell.py", {}, std::string(telling_server));
  if (file.status != 201) fail(disposition::failed, "the server's file: " + file.body);
  const auto number = std::to_string(port);
  co_await all.ada.shell(all.project, "setsid nohup python3 tell.py " + number +
                                          " >tell.log 2>&1 </dev/null & "
                                          "for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/" +
                                          number + ") 2>/dev/null && exit 0; sleep 0.1; done; cat tell.log; exit 1");
}

void security::SetUpTestSuite() {
  all_ = std::make_unique<everything>();
  all_->loop.run(rt::with_timeout(patience(120s), prepare(*all_)));
}

void security::TearDownTestSuite() {
  if (all_) all_->loop.run(rt::with_timeout(patience(60s), all_->system->stop()));
  all_.reset();
}

void security::run(rt::task<void> body, rt::duration limit) {
  all_->loop.run(rt::with_timeout(patience(limit), std::move(body)));
}

raw_client security::connect(const std::string& source) {
  rt::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto from = rt::endpoint::ip(source, 0),
             to = rt::endpoint::ip(system().address().host, system().address().port);
  if (!fd || ::bind(fd.get(), from.address(), from.size()) < 0 || ::connect(fd.get(), to.address(), to.size()) < 0)
    throw failure(system_error(errno, "connect from " + source));
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return raw_client(rt::socket(std::move(fd)));
}

rt::task<std::string> security::say(std::string bytes, std::string source) {
  auto c = connect(source);
  try {
    co_await c.send(std::move(bytes));
  } catch (const failure& f) {
    if (f.disposition() != disposition::disconnected) throw;  // refused before everything was sent
  }
  c.socket().shutdown_send();
  co_return co_await rest_of(c);
}

rt::task<std::string> security::rest_of(raw_client& c, rt::duration limit) {
  try {
    co_return co_await rt::with_timeout(patience(limit), c.rest());
  } catch (const failure& f) {
    if (f.disposition() != disposition::timed_out) throw;
  }
  ADD_FAILURE() << "the edge does not end the connection";
  co_return std::string();
}

std::string security::fields_of(const person& p) {
  return "Host: " + system().address().authority() + "\r\nOrigin: " + own_origin() + "\r\n" +
         (p.cookie().empty() ? "" : "Cookie: " + p.cookie() + "\r\n");
}

rt::task<std::string> security::heard(std::string word) {
  const auto a = co_await ada().request("GET", telling("/heard/" + word));
  if (a.status != 200) fail(disposition::failed, "the telling server: " + a.body);
  co_return a.body;
}

rt::task<std::unique_ptr<net::websocket>> security::open(const person& p, std::string target, net::headers more) {
  net::request head{.target = std::move(target), .headers = std::move(more)};
  if (!p.cookie().empty()) head.headers.add("Cookie", p.cookie());
  if (!head.headers.contains("Origin")) head.headers.add("Origin", own_origin());
  co_return co_await net::connect_websocket(system().client(), system().address(), std::move(head));
}

rt::task<unsigned> security::refusal(std::string target, net::headers h) {
  try {
    co_await net::connect_websocket(system().client(), system().address(),
                                    {.target = std::move(target), .headers = std::move(h)});
  } catch (const failure& f) {
    if (!f.error().code().starts_with("http.")) throw;
    co_return static_cast<unsigned>(std::stoul(f.error().code().substr(5)));
  }
  co_return 101;
}

rt::task<std::pair<std::chrono::milliseconds, unsigned>> security::wait_end(net::websocket& ws) {
  const auto began = rt::clock::now();
  unsigned code = 0;
  try {
    while (co_await rt::with_timeout(patience(20s), ws.receive())) {
    }
    if (ws.close_reason()) code = ws.close_reason()->code;
  } catch (const failure& f) {
    if (f.disposition() == disposition::timed_out) ADD_FAILURE() << "the session goes on";
    else if (f.disposition() != disposition::disconnected) throw;
  }
  co_return std::pair(std::chrono::duration_cast<std::chrono::milliseconds>(rt::clock::now() - began), code);
}

}  // namespace atrium::tests
