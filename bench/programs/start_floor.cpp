// The least that can be between a request and its Pod: blocking libpq that listens, one UPDATE that takes requests, one
// POST each on one kept connection, one UPDATE when all are out. bench_start_floor CONNINFO PORT
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

void run(PGconn* c, const std::string& sql) { PQclear(PQexec(c, sql.c_str())); }

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to)) std::exit(1);
  return fd;
}

void post(int fd, const std::string& id) {
  const std::string body =
      "{\"metadata\":{\"name\":\"project-" + id + "\"},\"spec\":{\"containers\":[{\"name\":\"project\"}]}}";
  const std::string head =
      "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n";
  if (::write(fd, (head + body).data(), head.size() + body.size()) < 0) std::exit(1);
  std::string answer;
  char bytes[2048];
  while (answer.find("}}") == std::string::npos) {
    const auto n = ::read(fd, bytes, sizeof bytes);
    if (n <= 0) std::exit(1);
    answer.append(bytes, std::size_t(n));
  }
}

void take(PGconn* c, int fd) {
  PGresult* r =
      PQexec(c,
             "UPDATE projects SET action_request = action_request || '{\"started\": \"now\"}' WHERE "
             "action_request->>'action' = 'start' AND action_request->>'started' IS NULL RETURNING project_id");
  const int count = PQntuples(r);
  for (int i = 0; i < count; ++i) post(fd, PQgetvalue(r, i, 0));
  PQclear(r);
  if (count)
    run(c,
        "UPDATE projects SET action_request = action_request || '{\"finished\": \"now\"}' WHERE "
        "action_request->>'started' = 'now'");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  PGconn* c = PQconnectdb(argv[1]);
  if (PQstatus(c) != CONNECTION_OK) return 1;
  const int fd = connect_to(std::atoi(argv[2]));
  run(c, "LISTEN atrium_action");
  for (;;) {
    take(c, fd);
    for (;;) {
      pollfd p{PQsocket(c), POLLIN, 0};
      ::poll(&p, 1, 1000);
      PQconsumeInput(c);
      PGnotify* n = PQnotifies(c);
      if (!n) continue;
      PQfreemem(n);
      break;
    }
  }
}
