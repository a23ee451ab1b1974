// A large file goes up and comes down again while edge, hubs and the project's server are killed: every byte arrives,
// little is sent twice, and nobody holds much of it in memory. One plain GET outlives all of them but the edge.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "atrium/rt/scope.hpp"
#include "tests/integration/system/running_system.hpp"

namespace atrium::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::uint64_t total_bytes() {
  const char* mb = std::getenv("ATRIUM_TRANSFER_MB");
  return (mb ? std::strtoull(mb, nullptr, 10) : 300) * 1'000'000 + 12'345;
}

/// The file: its bytes by their place, so that nobody has to keep it.
void fill(std::span<std::byte> into, std::uint64_t offset) {
  const auto word = [](std::uint64_t n) {  // splitmix64
    auto z = (n + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  };
  for (std::size_t i = 0; i < into.size();) {
    const auto value = word((offset + i) / 8);
    const auto within = (offset + i) % 8;
    const auto n = std::min<std::size_t>(8 - within, into.size() - i);
    std::memcpy(into.data() + i, reinterpret_cast<const char*>(&value) + within, n);
    i += n;
  }
}

class file_body final : public net::body_reader {
 public:
  file_body(std::uint64_t offset, std::uint64_t total, std::function<void(std::uint64_t)> progress)
      : at_(offset), total_(total), progress_(std::move(progress)) {}
  rt::task<std::size_t> read_some(std::span<std::byte> into) override {
    const auto n = std::min<std::uint64_t>(into.size(), total_ - at_);
    fill(into.first(n), at_);
    at_ += n;
    progress_(at_);
    co_return n;
  }
  std::optional<std::uint64_t> length() const noexcept override { return std::nullopt; }
  bool finished() const noexcept override { return at_ == total_; }

 private:
  std::uint64_t at_, total_;
  std::function<void(std::uint64_t)> progress_;
};

/// The server of a project, outside of its sandbox.
pid_t server_of(const std::string& project) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    const auto text = [&](const char* file) {
      std::ifstream in(entry.path() / file, std::ios::binary);
      return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    const auto command = text("cmdline");
    if (command.find(std::string("atrium\0project", 14)) == std::string::npos ||
        command.find("bwrap") != std::string::npos)
      continue;
    if (text("environ").find("ATRIUM_PROJECT_ID=" + project) != std::string::npos) return pid;
  }
  return 0;
}

std::size_t peak_kb(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

/// Kills one part after another, each when so much of the file has passed.
class killer {
 public:
  killer(running_system& system, std::string project, std::uint64_t total, std::span<const char* const> parts)
      : system_(system), project_(std::move(project)), total_(total), parts_(parts) {}

  void progress(std::uint64_t at) {
    if (next_ == parts_.size() || at < total_ * (next_ + 1) / (parts_.size() + 1)) return;
    const std::string part = parts_[next_++];
    const auto pid = part == "project" ? server_of(project_) : system_.pid_of(part);
    EXPECT_GT(pid, 0) << part;
    note_memory();
    if (pid > 0) ::kill(pid, SIGKILL);
    ++killed;
  }
  void note_memory() {
    for (const char* part : {"edge", "hub-proxy"}) peak = std::max(peak, peak_kb(system_.pid_of(part)));
    peak = std::max(peak, peak_kb(server_of(project_)));
  }

  std::size_t killed = 0, peak = 0;
  bool done() const { return killed == parts_.size(); }

 private:
  running_system& system_;
  std::string project_;
  std::uint64_t total_;
  std::span<const char* const> parts_;
  std::size_t next_ = 0;
};

constexpr const char* everything[] = {"hub-proxy", "edge", "hub-next", "project", "hub-proxy", "edge"};
constexpr const char* behind_the_edge[] = {"hub-proxy", "project", "hub-proxy", "hub-next", "hub-proxy"};

struct transfer {
  running_system& system;
  person& who;
  std::string target;
  std::uint64_t total;
  std::uint64_t moved = 0;  ///< over the wire, with what went twice
  int attempts = 0;

  net::request request(std::string method, std::string query) const {
    return {.method = std::move(method),
            .target = target + query,
            .headers = {{"Cookie", who.cookie()}, {"Origin", "http://" + system.address().authority()}}};
  }

  /// True when the file is complete.
  rt::task<bool> send_from(std::uint64_t offset, killer& k) {
    auto head = request("PUT", "?offset=" + std::to_string(offset));
    head.headers.add("Upload-Length", std::to_string(total));
    file_body body(offset, total, [&, last = offset](std::uint64_t at) mutable {
      moved += at - last;
      last = at;
      k.progress(at);
    });
    auto answer = co_await system.client().send(system.address(), std::move(head), total - offset, body);
    co_await answer.body->text();
    co_return answer.status == 201;
  }

  /// Where to go on; `total` when it is all there. Waits until somebody can say it.
  rt::task<std::uint64_t> ask() {
    std::uint64_t offset = 0;
    co_await eventually(60s, [&]() -> rt::task<void> {
      const auto a = co_await system.client().fetch(system.address(), request("HEAD", "?upload"));
      if (a.status != 200) fail(disposition::disconnected, "asked for the offset: " + std::to_string(a.status));
      offset = std::stoull(std::string(a.headers.find("Upload-Offset").value_or("0")));
      if (a.headers.find("Upload-Present") == std::to_string(total)) offset = total;
    });
    co_return offset;
  }

  rt::task<void> upload(killer& k) {
    for (std::uint64_t offset = 0; offset < total; offset = co_await ask()) {
      ++attempts;
      try {
        if (co_await send_from(offset, k)) co_return;
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled) throw;
      }
    }
  }

  /// Takes what comes from `at` on; false when the answer was no file.
  rt::task<bool> take_from(std::uint64_t& at, std::string& etag, killer& k) {
    auto head = request("GET", "");
    if (at > 0) {
      head.headers.add("Range", "bytes=" + std::to_string(at) + "-");
      head.headers.add("If-Range", etag);
    }
    auto answer = co_await system.client().send(system.address(), std::move(head));
    if (answer.status >= 500) co_return false;
    EXPECT_EQ(answer.status, at > 0 ? 206u : 200u) << "the file is still the same one";
    etag = answer.headers.find("ETag").value_or("");
    std::vector<std::byte> got(256 * 1024), expected(got.size());
    while (const auto n = co_await answer.body->read_some(got)) {
      fill(std::span(expected).first(n), at);
      if (std::memcmp(got.data(), expected.data(), n) != 0) fail(disposition::failed, "wrong bytes came");
      at += n;
      moved += n;
      k.progress(at);
    }
    co_return true;
  }

  rt::task<void> download(killer& k) {
    std::uint64_t at = 0;
    for (std::string etag; at < total;) {
      ++attempts;
      bool pause = false;
      try {
        pause = !co_await take_from(at, etag, k);
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled || f.disposition() == disposition::failed) throw;
        pause = true;
      }
      if (pause) co_await rt::sleep_for(50ms);
    }
    EXPECT_EQ(at, total);
  }
};

TEST(Transfers, ALargeFileGoesUpAndDownWhileEverythingIsKilled) {
  auto body = []() -> rt::task<void> {
    running_system system;
    co_await system.start();
    person ada(system);
    co_await ada.sign_up("ada@example.org", "Ada");
    const auto project = co_await ada.running_project("Large");
    const auto total = total_bytes();
    const auto report = [&](const char* what, const transfer& t, const killer& k, rt::time_point began) {
      const auto seconds = std::chrono::duration<double>(rt::clock::now() - began).count();
      std::printf("%s: %.1f MB in %.1f s (%.0f MB/s), %zu kills, %d attempts, %.1f %% sent twice, peak memory %zu MB\n",
                  what, double(total) / 1e6, seconds, double(total) / 1e6 / seconds, k.killed, t.attempts,
                  (double(t.moved) / double(total) - 1) * 100, k.peak / 1024);
      EXPECT_TRUE(k.done());
      EXPECT_LT(k.peak, 200'000u) << "kB of memory in one process";
    };
    {
      killer k(system, project, total, everything);
      transfer t{system, ada, "/" + project + "/files/folder/large.bin", total};
      const auto began = rt::clock::now();
      co_await t.upload(k);
      k.note_memory();
      report("upload", t, k, began);
      EXPECT_LT(t.moved, total + total / 4 + 200'000'000) << "what had arrived is not sent again";
    }
    EXPECT_EQ(co_await ada.shell(project, "stat -c %s folder/large.bin; ls -A folder"),
              std::to_string(total) + "\nlarge.bin\n");
    {
      killer k(system, project, total, everything);
      transfer t{system, ada, "/" + project + "/files/folder/large.bin", total};
      const auto began = rt::clock::now();
      co_await t.download(k);
      k.note_memory();
      report("download", t, k, began);
      EXPECT_EQ(t.moved, total) << "no byte of a download comes twice";
    }
    {
      killer k(system, project, total, behind_the_edge);
      transfer t{system, ada, "/" + project + "/files/folder/large.bin?download", total};
      const auto began = rt::clock::now();
      std::uint64_t at = 0;
      std::string etag;
      EXPECT_TRUE(co_await t.take_from(at, etag, k));
      ++t.attempts;
      k.note_memory();
      report("download by one GET", t, k, began);
      EXPECT_EQ(at, total);
    }
    co_await system.stop();
  };
  rt::loop loop;
  loop.run(rt::with_timeout(std::chrono::minutes(4) + std::chrono::milliseconds(total_bytes() / 20'000), body()));
}

}  // namespace
}  // namespace atrium::tests
