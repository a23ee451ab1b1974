// Frames and JSON that no honest peer sends.
#include <span>

#include "tests/integration/security/stage.hpp"
#include "tests/support/patience.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Limits = security;

rt::task<std::string> raw_upgrade(raw_client& c, std::string head) {
  co_await c.send(std::move(head));
  co_return co_await rt::with_timeout(20s, c.until("\r\n\r\n"));
}

TEST_F(Limits, Cve_2026_39804_OversizedAndCompressedFramesCloseTheSession) {
  auto body = []() -> rt::task<void> {
    const auto handshake = [](const std::string& path) {
      return "GET " + path + " HTTP/1.1\r\n" + fields_of(ada()) +
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\n" +
             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    };
    const std::string mask(4, '\0');
    const std::pair<std::string, unsigned> frames[] = {
        {std::string("\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00", 10) + mask, 1009},  // announces 4 GiB
        {std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + mask, 1002},  // more than there is
        {std::string("\xc1\x85", 2) + mask + "abcde", 1002},     // compressed, which nobody agreed to
        {std::string("\x81\x05", 2) + "abcde", 1002},            // not masked
        {std::string("\x89\xfe\x00\x7e", 4) + mask, 1002},       // a ping of 126 bytes
        {std::string("\x81\x82", 2) + mask + "\xc0\x80", 1007},  // overlong UTF-8
    };
    for (const auto& path : {std::string("/hub"), at("/ws")})
      for (const auto& [frame, code] : frames) {
        auto c = connect();
        const auto head = co_await raw_upgrade(c, handshake(path));
        EXPECT_EQ(status_of(head), 101u) << head;
        EXPECT_THAT(head, Not(HasSubstr("permessage-deflate")));
        co_await c.send(frame);
        const auto rest = co_await rest_of(c);
        // The close frame is the last thing that is said.
        const std::string close{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
        const auto found = rest.rfind(close);
        EXPECT_TRUE(found != std::string::npos && found >= 2 && static_cast<unsigned char>(rest[found - 2]) == 0x88)
            << path << " " << code;
      }
    auto hub = co_await open(ada(), "/hub");
    co_await hub->send_text("{\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\"" + std::string(300'000, 'x') + "\"}}");
    EXPECT_EQ((co_await wait_end(*hub)).second, 1009u);
  };
  run(body());
}

/// That a session still answers after these messages, or was closed with a reason.
rt::task<void> expect_survives(net::websocket& ws, std::span<const std::string> messages, std::string_view which) {
  std::string cut;
  try {
    for (const auto& text : messages) co_await ws.send_text(text);
    co_await ws.send_text(R"({"id":4711,"method":"ping"})");
    while (const auto m = co_await rt::with_timeout(patience(20s), ws.receive()))
      if (m->data.find("4711") != std::string::npos) co_return;
    if (!ws.close_reason()) cut = "it closed without a reason";
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    cut = f.error().public_text();
  }
  EXPECT_EQ(cut, "") << which;
}

TEST_F(Limits, HostileJsonIsAnsweredAndHarmsNobody) {
  auto body = []() -> rt::task<void> {
    auto hub = co_await open(ada(), "/hub"), session = co_await open(ada(), at("/ws"));
    const std::string deep(50'000, '[');
    const std::string messages[] = {
        "x",
        "[]",
        "{}",
        deep,
        R"({"id":1e999,"method":"ping"})",
        R"({"id":{},"method":"ping"})",
        R"({"id":1,"method":[],"params":5})",
        R"({"id":2,"method":"ping","params":[1]})",
        R"({"id":3,"method":"document.push","params":{"path":"a","epoch":"","version":18446744073709551615,"updates":[{}]}})",
        R"({"id":4,"method":"files.read","params":{"path":"../../etc/passwd"}})",
        R"({"id":5,"method":"files.read","params":{"path":"/etc/passwd"}})"};
    co_await expect_survives(*hub, messages, "hub");
    co_await expect_survives(*session, messages, "project");
    for (const auto& path : {std::string("/hub"), at("/ws")}) {
      auto fresh = co_await open(ada(), path);
      const auto hello = co_await rt::with_timeout(10s, fresh->receive());
      EXPECT_TRUE(hello && hello->data.find("hello") != std::string::npos) << path;
    }
    for (const std::string& text :
         {deep, std::string("{\"a\":") + std::string(5000, '[') + "}", std::string("\xff\xfe"), std::string("null")})
      EXPECT_THAT(
          (co_await ada().request("POST", "/api/v2/projects/get", {{"Content-Type", "application/json"}}, text)).body,
          HasSubstr("error"));
    EXPECT_EQ(co_await ada().shell(project(), "echo up"), "up\n");
  };
  run(body());
}

}  // namespace
}  // namespace atrium::tests
