// Bytes from clients: SPDY frames, protobuf objects, exec queries, logs; well-formed and hostile.
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <random>

#include "apps/devcluster/agent/exec.hpp"
#include "apps/devcluster/agent/logs.hpp"
#include "apps/devcluster/agent/spdy.hpp"
#include "apps/devcluster/api/protobuf.hpp"
#include "tests/unit/devcluster/fixture.hpp"

namespace atrium::devcluster {

namespace {

std::string be(std::uint32_t n, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  return out;
}

std::string len(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}

std::string envelope(const std::string& kind, const std::string& raw) {
  return std::string("k8s\0", 4) + len(1, len(1, "v1") + len(2, kind)) + len(2, raw);
}

}  // namespace

TEST(Spdy, DataAndPingsPassBothWays) {
  spdy::codec ours, theirs;
  const std::string go_away = be(0x80030007u, 4) + be(8, 4) + be(7, 4) + be(0, 4);
  const std::string bytes =
      ours.data(5, "hello", false) + ours.ping(3) + ours.data(5, "", true) + ours.reply(7) + go_away;
  std::vector<spdy::frame> seen;
  for (const char c : bytes) {  // byte by byte: frames are found wherever reads end
    theirs.feed(std::string_view(&c, 1));
    while (auto f = theirs.next().value()) seen.push_back(std::move(*f));
  }
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0].data, "hello");
  EXPECT_EQ(seen[0].stream, 5u);
  EXPECT_EQ(seen[1].what, spdy::frame::kind::ping);
  EXPECT_TRUE(seen[2].fin);
  EXPECT_EQ(seen[4].what, spdy::frame::kind::go_away);
}

TEST(Spdy, HostileFramesAreRefused) {
  for (const std::string& bad :
       {be(0x80030001u, 4) + be(4, 4) + "abcd",                           // SYN_STREAM that is cut
        be(0x80030001u, 4) + be(14, 4) + std::string(10, '\0') + "junk",  // headers that are no zlib stream
        be(0x80030006u, 4) + be(1, 4) + "a",                              // PING that is cut
        be(5, 4) + be(0x00ffffffu, 4)}) {                                 // 16 MB of data
    spdy::codec codec;
    codec.feed(bad);
    EXPECT_FALSE(codec.next().has_value());
  }
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    spdy::codec codec;
    std::string noise(random() % 64, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    codec.feed(noise);
    while (true) {
      const auto f = codec.next();
      if (!f || !*f) break;
    }
  }
}

TEST(Protobuf, ObjectsOfKubectlCreate) {
  const std::string pair = len(1, "a") + len(2, "b");
  const auto map =
      decode_protobuf_object(envelope("ConfigMap", len(1, len(1, "name") + len(3, "")) + len(2, pair))).value();
  EXPECT_EQ(map, json::parse(R"({"metadata":{"name":"name"},"data":{"a":"b"},"kind":"ConfigMap","apiVersion":"v1"})"));
  const auto secret =
      decode_protobuf_object(
          envelope("Secret",
                   len(1, len(1, "s")) + len(2, len(1, "k") + len(2, std::string("\0\xff", 2))) + len(3, "Opaque")))
          .value();
  EXPECT_EQ(text_at(secret, {"data", "k"}), "AP8=");
  EXPECT_FALSE(decode_protobuf_object(envelope("Deployment", "")).has_value());
  cluster c;
  EXPECT_EQ(c.answer("POST", "/api/v1/namespaces", envelope("Namespace", len(1, len(1, "n"))),
                     "application/vnd.kubernetes.protobuf")
                .status,
            201u);
}

TEST(Protobuf, HostileBytesAreRefused) {
  const std::string good = envelope("ConfigMap", len(1, len(1, "name")) + len(2, len(1, "a") + len(2, "b")));
  const std::size_t between = envelope("ConfigMap", "").size() - 2;  // a message may end between two fields
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    if (cut != between) EXPECT_FALSE(decode_protobuf_object(std::string_view(good).substr(0, cut)).has_value()) << cut;
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) bytes[4 + random() % (bytes.size() - 4)] = static_cast<char>(random());
    (void)decode_protobuf_object(bytes);
  }
}

TEST(Protobuf, TextsThatJsonCannotSayAreRefused) {
  const auto named = [](const std::string& name) { return envelope("Namespace", len(1, len(1, name))); };
  EXPECT_TRUE(decode_protobuf_object(named("gr\xC3\xBC\xC3\x9F")));
  for (const std::string name : {"\xF0", "a\xFF", "\xED\xA0\x80"}) EXPECT_FALSE(decode_protobuf_object(named(name)));
}

TEST(Addresses, ThatAreNotUtf8GetAnAnswerThatIs) {
  cluster c;
  for (const char* target : {"/api/v1/namespaces/%F0%F0/pods", "/api/v1/namespaces/x\xF0",
                             "/api/v1/pods?labelSelector=%FF", "/api/v1/pods?%FF=x"})
    c.refused(400, "GET", target);
}

TEST(Exec, QueriesAreChecked) {
  const auto parsed = exec_request::parse({{"command", "sh"},
                                           {"command", "-c"},
                                           {"stdin", "true"},
                                           {"stdout", "1"},
                                           {"stderr", "true"},
                                           {"tty", "true"}})
                          .value();
  EXPECT_EQ(parsed.command, (std::vector<std::string>{"sh", "-c"}));
  EXPECT_FALSE(parsed.errors) << "a terminal has one stream";
  EXPECT_FALSE(exec_request::parse({{"stdout", "true"}}).has_value());
  EXPECT_FALSE(exec_request::parse({{"command", "sh"}}).has_value());
  EXPECT_NE(exit_status_text(3).find(R"({"reason":"ExitCode","message":"3"})"), std::string::npos);
}

TEST(Logs, TailsAndTrims) {
  char name[] = "/tmp/atrium-log-XXXXXX";
  const int fd = ::mkstemp(name);
  const std::string text = "one\ntwo\nthree\n";
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  const auto tail = [&](std::int64_t lines) {
    return text.substr(static_cast<std::size_t>(tail_offset(fd, 0, static_cast<std::int64_t>(text.size()), lines)));
  };
  EXPECT_EQ(tail(1), "three\n");
  EXPECT_EQ(tail(2), "two\nthree\n");
  EXPECT_EQ(tail(9), text);
  const std::string block(1 << 16, 'x');
  for (int i = 0; i < 64; ++i) ASSERT_EQ(::write(fd, block.data(), block.size()), static_cast<ssize_t>(block.size()));
  trim_log(name, 1 << 20);
  EXPECT_GT(first_byte(fd), 0);
  EXPECT_LE(first_byte(fd), 64 * (1 << 16) + static_cast<std::int64_t>(text.size()) - (1 << 20));
  ::close(fd);
  ::unlink(name);
}

}  // namespace atrium::devcluster
