// Downloads, uploads, commands and the servers inside a project.
#include <sys/resource.h>

#include "tests/integration/project/fixture.hpp"

namespace atrium::tests {
namespace {

ATRIUM_ON_BACKENDS(ProjectHttp);

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  unsigned seed = 7;
  for (auto& c : out) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return out;
}

PROJECT_TEST(ProjectHttp, DownloadsWholeInPartsAndConditionally) {
  const auto content = pattern(3'000'000);
  server.write("big file.bin", content);
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  const auto get = [&](std::string method, std::string query, net::headers h) {
    return client.fetch(at, from_hub(std::move(method), "/files/big%20file.bin" + query, std::move(h)), {}, 16u << 20);
  };
  const auto whole = co_await get("GET", "", {});
  EXPECT_EQ(whole.status, 200u);
  EXPECT_EQ(whole.body, content);
  const auto head = co_await get("HEAD", "?download", {});
  EXPECT_EQ(head.headers.find("Content-Length"), "3000000");
  EXPECT_EQ(head.headers.find("Content-Disposition"),
            "attachment; filename=\"big file.bin\"; filename*=UTF-8''big%20file.bin");
  const auto part = co_await get("GET", "", {{"Range", "bytes=1000000-1999999"}});
  EXPECT_EQ(part.status, 206u);
  EXPECT_EQ(part.headers.find("Content-Range"), "bytes 1000000-1999999/3000000");
  EXPECT_EQ(part.body, content.substr(1'000'000, 1'000'000));
  EXPECT_EQ((co_await get("GET", "", {{"Range", "bytes=-5"}})).body, content.substr(content.size() - 5));
  EXPECT_EQ((co_await get("GET", "", {{"Range", "bytes=3000000-"}})).status, 416u);
  EXPECT_EQ((co_await get("GET", "", {{"Range", "bytes=1-2"}, {"If-Range", "\"old\""}})).status, 200u);
  const std::string etag(*whole.headers.find("ETag"));
  EXPECT_EQ((co_await get("GET", "", {{"If-None-Match", etag}})).status, 304u);
  EXPECT_EQ((co_await client.fetch(at, from_hub("GET", "/files/none"))).status, 404u);
  EXPECT_EQ((co_await client.fetch(at, from_hub("GET", "/files/"))).status, 400u);
}

PROJECT_TEST(ProjectHttp, AFolderComesAsTar) {
  std::filesystem::create_directories(server.home() / "stuff/deep");
  server.write("stuff/deep/a.txt", pattern(100'000));
  server.write("stuff/b.txt", "b");
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  const auto tar = co_await client.fetch(at, from_hub("GET", "/files/stuff?format=tar"), {}, 16u << 20);
  EXPECT_EQ(tar.status, 200u);
  const auto archive = server.home().parent_path() / "x.tar";
  std::ofstream(archive, std::ios::binary) << tar.body;
  std::filesystem::create_directory(server.home().parent_path() / "out");
  const auto done = co_await rt::run_command(
      {.argv = {"tar", "-xf", archive.string(), "-C", (server.home().parent_path() / "out").string()},
       .environment = {},
       .directory = {},
       .descriptors = {}});
  EXPECT_EQ(done.status.code, 0) << done.standard_error;
  std::ifstream in(server.home().parent_path() / "out/stuff/deep/a.txt", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), pattern(100'000));
}

/// A body that ends in the middle.
class cut_body : public net::body_reader {
 public:
  cut_body(std::string_view data, std::uint64_t announced) : data_(data), announced_(announced) {}
  rt::task<std::size_t> read_some(std::span<std::byte> into) override {
    if (data_.empty()) {
      co_await rt::sleep_for(100ms);  // what was sent is on the way
      fail(disposition::failed, "the laptop was closed");
    }
    const auto n = std::min(into.size(), data_.size());
    std::copy_n(rt::as_bytes(data_).begin(), n, into.begin());
    data_.remove_prefix(n);
    co_return n;
  }
  std::optional<std::uint64_t> length() const noexcept override { return announced_; }
  bool finished() const noexcept override { return data_.empty(); }

 private:
  std::string_view data_;
  std::uint64_t announced_;
};

rt::task<std::uint64_t> upload_offset(net::http_client& client, project_server& server, std::string path) {
  const auto r = co_await client.fetch(server.browsers(), from_hub("HEAD", "/files/" + path + "?upload"));
  EXPECT_EQ(r.status, 200u);
  co_return std::stoull(std::string(r.headers.find("Upload-Offset").value_or("0")));
}

PROJECT_TEST(ProjectHttp, UploadsResumeAfterACutConnectionAndAKilledServer) {
  const auto content = pattern(4'000'000);
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  const auto total = std::to_string(content.size());
  server.write("up.bin", "old content");
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto offset = co_await upload_offset(client, server, "up.bin");
    cut_body body(std::string_view(content).substr(offset, 1'200'000), content.size() - offset);
    auto r = from_hub("PUT", "/files/up.bin?offset=" + std::to_string(offset), {{"Upload-Length", total}});
    try {
      co_await client.send(at, r, content.size() - offset, body);
      ADD_FAILURE() << "the upload was cut";
    } catch (const failure&) {
    }
    EXPECT_EQ(server.read("up.bin"), "old content") << "it appears when it is complete";
    if (attempt == 0) {
      server.kill();
      co_await server.start();
    }
  }
  const auto offset = co_await upload_offset(client, server, "up.bin");
  EXPECT_GT(offset, 1'000'000u);
  EXPECT_LT(offset, content.size());
  const auto wrong =
      co_await client.fetch(at, from_hub("PUT", "/files/up.bin?offset=3999999", {{"Upload-Length", total}}), "x");
  EXPECT_EQ(wrong.status, 409u);
  EXPECT_EQ(wrong.headers.find("Upload-Offset"), std::to_string(offset));
  const auto last = co_await client.fetch(
      at, from_hub("PUT", "/files/up.bin?offset=" + std::to_string(offset), {{"Upload-Length", total}}),
      content.substr(offset));
  EXPECT_EQ(last.status, 201u);
  EXPECT_EQ(server.read("up.bin"), content);
  EXPECT_EQ(co_await upload_offset(client, server, "up.bin"), 0u);
}

// Whoever works in the project comes by hub-proxy: one address for all of them.
PROJECT_TEST(ProjectHttp, OneHubOpensAsManyConnectionsAsALargeClassNeeds) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  const auto at = rt::endpoint::unix_path(server.browsers().unix_socket);
  std::vector<rt::socket> open;
  for (int i = 0; i < 1'100; ++i) open.push_back(co_await rt::socket::connect(at));
  net::http_client client;
  EXPECT_EQ((co_await client.fetch(server.browsers(), from_hub("HEAD", "/files/none?upload"))).status, 200u);
}

PROJECT_TEST(ProjectHttp, UploadsInPiecesAndWholeOnes) {
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  const auto put = [&](std::string target, std::string body, net::headers h = {}) {
    return client.fetch(at, from_hub("PUT", "/files/" + target, std::move(h)), std::move(body));
  };
  EXPECT_EQ((co_await put("new/folder/a.txt", "hello")).status, 201u);
  EXPECT_EQ(server.read("new/folder/a.txt"), "hello");
  EXPECT_EQ((co_await put("p.txt?offset=0", "abc", {{"Upload-Length", "6"}})).status, 202u);
  EXPECT_FALSE(std::filesystem::exists(server.home() / "p.txt"));
  EXPECT_EQ((co_await put("p.txt?offset=3", "defg", {{"Upload-Length", "6"}})).status, 400u);
  EXPECT_EQ((co_await put("p.txt?offset=3", "def", {{"Upload-Length", "6"}})).status, 201u);
  EXPECT_EQ(server.read("p.txt"), "abcdef");
  EXPECT_EQ((co_await put("empty", "")).status, 201u);
  EXPECT_TRUE(std::filesystem::exists(server.home() / "empty"));
  EXPECT_EQ((co_await put("new", "x")).status, 400u) << "it is a folder";
  EXPECT_EQ((co_await put("x?offset=-1", "x")).status, 400u);
  EXPECT_EQ((co_await put("%2e%2e/x", "x")).status, 400u);
}

PROJECT_TEST(ProjectHttp, Commands) {
  std::filesystem::create_directory(server.home() / "sub");
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  const auto exec = [&](json::object o) -> rt::task<std::pair<unsigned, json::value>> {
    const auto r = co_await client.fetch(hubs, from_hub("POST", "/exec"), json::serialize(o));
    co_return std::pair(r.status, json::parse(r.body));
  };
  auto [status, answer] = co_await exec({{"command", "printf"}, {"args", json::array{"%s", "a b"}}});
  EXPECT_EQ(status, 200u);
  EXPECT_EQ(text_of(answer.at("stdout")), "a b");
  EXPECT_EQ(text_of(answer.at("type")), "blocking");
  std::tie(status, answer) = co_await exec({{"command", "pwd; echo $GREETING; echo $1 >&2; exit 3"},
                                            {"bash", true},
                                            {"args", json::array{"arg"}},
                                            {"path", "sub"},
                                            {"env", json::object{{"GREETING", "hi"}}},
                                            {"err_on_exit", false}});
  EXPECT_EQ(status, 200u);
  EXPECT_EQ(number_of(answer.at("exit_code")), 3);
  EXPECT_EQ(text_of(answer.at("stdout")), (server.home() / "sub").string() + "\nhi\n");
  EXPECT_EQ(text_of(answer.at("stderr")), "arg\n");
  std::tie(status, answer) = co_await exec({{"command", "false"}});
  EXPECT_EQ(status, 400u);
  EXPECT_TRUE(answer.as_object().contains("error"));
  std::tie(status, answer) = co_await exec({{"command", "no-such-program"}});
  EXPECT_EQ(status, 404u);
  std::tie(status, answer) = co_await exec({{"command", "env"}});
  EXPECT_EQ(text_of(answer.at("stdout")).find(secret), std::string::npos);
  std::tie(status, answer) = co_await exec({{"command", "yes"}, {"timeout", 0.3}, {"max_output", 1000}});
  EXPECT_EQ(status, 504u);
  std::tie(status, answer) =
      co_await exec({{"command", "(sleep 30; touch late) & sleep 30"}, {"bash", true}, {"timeout", 0.2}});
  EXPECT_EQ(status, 504u);
  std::tie(status, answer) =
      co_await exec({{"command", "ps -e -o args | grep -c '[s]leep 30'"}, {"bash", true}, {"err_on_exit", false}});
  std::tie(status, answer) = co_await exec({{"command", "seq 100000"}, {"bash", true}, {"max_output", 50}});
  EXPECT_EQ(text_of(answer.at("stdout")).size(), 50u);
  EXPECT_TRUE(answer.at("truncated").as_bool());
  std::tie(status, answer) = co_await exec({{"command", "printf 'a\\xff\\xc3\\xa9'"}, {"bash", true}});
  EXPECT_EQ(text_of(answer.at("stdout")), "a\xEF\xBF\xBD\xC3\xA9");
  for (const json::object& bad :
       {json::object{}, json::object{{"command", 5}}, json::object{{"command", "ls"}, {"path", "../.."}},
        json::object{{"command", "ls"}, {"timeout", -1}}, json::object{{"command", "ls"}, {"env", json::array{}}}})
    EXPECT_EQ((co_await exec(bad)).first, 400u) << json::serialize(bad);
}

/// What a request looked like to the user's own server.
rt::task<void> tell(net::exchange& e) {
  std::string out = e.request().method + " " + e.request().target + "\n";
  for (const auto& [n, v] : e.request().headers) out.append(n).append(": ").append(v).append("\n");
  co_await e.respond(net::response::text(200, out));
}

PROJECT_TEST(ProjectHttp, PortsOfTheProjectAndNoSecretReachesThem) {
  auto listener = rt::listener::bind(rt::endpoint::parse("127.0.0.1:0"));
  const auto port = std::to_string(listener.local().port());
  net::http_server app(tell);
  rt::scope tasks(&co_await rt::this_task());
  tasks.spawn(app.serve(listener), "app");
  net::http_client client;
  [[maybe_unused]] const auto at = server.browsers(), hubs = server.hubs();
  auto hub = identity(ann, "Ann");
  hub.add("X-Forwarded-Prefix", "/" + project_id);
  hub.add("X-Forwarded-For", "192.0.2.7");
  hub.add("X-Atrium-Authorization", "token of the app");
  const auto ask = [&](std::string target) { return client.fetch(at, {.target = std::move(target), .headers = hub}); };
  auto r = co_await ask("/port/" + port + "/a/b?c=d");
  EXPECT_EQ(r.status, 200u);
  EXPECT_TRUE(r.body.starts_with("GET /" + project_id + "/port/" + port + "/a/b?c=d\n")) << r.body;
  EXPECT_EQ(r.body.find(secret), std::string::npos);
  EXPECT_EQ(r.body.find("X-Atrium"), std::string::npos);
  EXPECT_NE(r.body.find("Authorization: token of the app"), std::string::npos);
  EXPECT_NE(r.body.find("X-Forwarded-For: 192.0.2.7"), std::string::npos);
  for (const char* word : {"server", "proxy"}) {
    r = co_await ask(std::string("/") + word + "/" + port + "/a%20b/?c");
    EXPECT_TRUE(r.body.starts_with("GET /a%20b/?c\n")) << r.body;
  }
  r = co_await ask("/proxy/" + port);
  EXPECT_TRUE(r.body.starts_with("GET /\n")) << r.body;
  EXPECT_EQ((co_await ask("/port/0/x")).status, 400u);
  EXPECT_EQ((co_await ask("/port/99999/x")).status, 400u);
  EXPECT_EQ((co_await ask("/port/1/x")).status, 502u);
  tasks.cancel(rt::cancel_reason::requested);
  try {
    co_await tasks.join();
  } catch (const failure&) {
  }
}

}  // namespace
}  // namespace atrium::tests
