#include "apps/devcluster/agent/logs.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atrium/rt/blocking.hpp"

namespace atrium::devcluster {

namespace {

constexpr std::size_t piece = 64u << 10;
constexpr auto follow_interval = std::chrono::milliseconds(50);

result<std::int64_t> number_of(const query_list& query, std::string_view name, std::int64_t otherwise) {
  const auto text = value_of(query, name);
  if (text.empty()) return otherwise;
  const auto n = whole_number<std::int64_t>(text);
  if (!n || *n < 0) return api_error("BadRequest", std::string(name) + " must be a whole number.");
  return *n;
}

std::int64_t size_of(int fd) noexcept {
  struct stat about{};
  return ::fstat(fd, &about) == 0 ? about.st_size : 0;
}

rt::task<void> notice_leaving(net::exchange& ex, bool& gone) {
  co_await ex.peer_gone();
  gone = true;
}

}  // namespace

std::int64_t first_byte(int fd) noexcept {
  const auto at = ::lseek(fd, 0, SEEK_DATA);
  return at < 0 ? size_of(fd) : at;
}

std::int64_t tail_offset(int fd, std::int64_t begin, std::int64_t end, std::int64_t lines) {
  std::vector<char> buffer(piece);
  std::int64_t at = end;
  bool last = true;  // the newline that ends the file ends no further line
  while (at > begin) {
    const auto want = std::min<std::int64_t>(static_cast<std::int64_t>(piece), at - begin);
    if (::pread(fd, buffer.data(), static_cast<std::size_t>(want), at - want) != want) return begin;
    for (std::int64_t i = want - 1; i >= 0; --i) {
      const bool newline = buffer[static_cast<std::size_t>(i)] == '\n';
      if (newline && !std::exchange(last, false) && --lines <= 0) return at - want + i + 1;
      last = false;
    }
    at -= want;
  }
  return begin;
}

void trim_log(const std::string& file, std::int64_t keep) noexcept {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat about{};
  if (::fstat(fd, &about) == 0 && about.st_blocks * 512 > 2 * keep && about.st_size > keep) {
    const std::int64_t end = (about.st_size - keep) & ~std::int64_t(4095);
    // A file system without holes (NFS before 4.2) starts over instead: better than a full disk.
    if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) != 0) (void)!::ftruncate(fd, 0);
  }
  ::close(fd);
}

rt::task<void> serve_log(net::exchange& ex, pod_worker& pod, const query_list& query) {
  const auto container = value_of(query, "container");
  const bool follow = value_of(query, "follow") == "true", previous = value_of(query, "previous") == "true";
  if (value_of(query, "timestamps") == "true")
    throw failure(api_error("BadRequest", "This node writes output without timestamps; ask without --timestamps."));
  const auto tail = number_of(query, "tailLines", -1), limit = number_of(query, "limitBytes", INT64_MAX);
  if (!tail) throw failure(tail.error());
  if (!limit) throw failure(limit.error());
  const auto file = pod.log_file(container, previous);
  if (!file) throw failure(file.error());
  const rt::unique_fd fd(::open(file->c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw failure(api_error("NotFound", "The log of this container is gone."));

  auto writer = co_await ex.start({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = {}});
  const int number = fd.get();
  std::int64_t at = first_byte(number), left = *limit;
  if (*tail >= 0) {
    const auto begin = at;
    const auto lines = *tail;
    at = lines == 0 ? size_of(number) : co_await rt::blocking([number, begin, lines] {
      return tail_offset(number, begin, size_of(number), lines);
    });
  }
  bool gone = false;
  co_await rt::with_scope([&](rt::scope& s) -> rt::task<void> {
    if (follow) s.spawn(notice_leaving(ex, gone), "log client");
    while (left > 0 && !gone) {
      const auto newest = pod.log_file(container, false);
      const bool over = !follow || previous || !pod.container_runs(container) || !newest || *newest != *file;
      at = std::max(at, std::min(first_byte(number), size_of(number)));  // the front may have been freed meanwhile
      const auto want = static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(piece), left));
      std::string text = co_await rt::blocking([number, at, want] {
        std::string out(want, '\0');
        const auto n = ::pread(number, out.data(), want, at);
        out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return out;
      });
      if (!text.empty()) {
        at += static_cast<std::int64_t>(text.size());
        left -= static_cast<std::int64_t>(text.size());
        co_await writer->write(text);
      } else if (over) {
        break;
      } else {
        co_await rt::sleep_for(follow_interval);
      }
    }
    s.cancel(rt::cancel_reason::requested);
  });
  if (!gone) co_await writer->finish();
}

}  // namespace atrium::devcluster
