#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "apps/project/files/operations.hpp"
#include "apps/project/http/handlers.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

/// Who writes the part file of one path. A later request takes over: its client is the one that is still there.
struct uploads::running {
  rt::mutex writing;
  std::uint64_t owner = 0;
};

std::string part_path(const std::string& path) { return join(parent_of(path), "." + name_of(path) + ".atrium-part"); }

namespace {

constexpr std::size_t piece = 512 * 1024;

std::optional<std::uint64_t> number_of(std::optional<std::string_view> text, const char* name) {
  if (!text) return std::nullopt;
  std::uint64_t n = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (problem != std::errc() || end != text->data() + text->size() || n > (1ull << 62))
    fail(disposition::invalid, std::string(name) + " must be a whole number of bytes.");
  return n;
}

/// Opens the part file with exactly `offset` bytes in it. Gives how many there are when they are too few.
std::optional<std::uint64_t> prepare(const home& h, const std::string& path, std::uint64_t offset, rt::unique_fd& fd) {
  h.make_folders(parent_of(path));
  if (h.exists(path) && S_ISDIR(h.status(path).st_mode)) fail_for_path(EISDIR, path, "write");
  fd = h.open(part_path(path), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (offset == 0 ? O_TRUNC : 0), 0644);
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) fail_for_path(errno, path, "write");
  if (static_cast<std::uint64_t>(st.st_size) < offset) return static_cast<std::uint64_t>(st.st_size);
  if (::ftruncate(fd.get(), static_cast<off_t>(offset)) < 0) fail_for_path(errno, path, "write");
  return std::nullopt;
}

void write_at(int fd, std::span<const std::byte> bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_for_path(errno, path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

/// The file appears under its name, complete, with the mode of the one it replaces.
void finish(const home& h, const std::string& path, int fd) {
  const auto parent = h.open_parent(path);
  // NFS tells of a full disk or quota only when a descriptor is closed.
  if (const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0); copy < 0 || ::close(copy) < 0)
    fail_for_path(errno, path, "write");
  struct stat st;
  if (::fstatat(parent.get(), name_of(path).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
    ::fchmod(fd, st.st_mode & 07777u);
  if (::renameat(parent.get(), name_of(part_path(path)).c_str(), parent.get(), name_of(path).c_str()) < 0)
    fail_for_path(errno, path, "write");
}

net::response state_answer(unsigned status, std::uint64_t offset, bool complete, std::string_view problem = {}) {
  json_object body;
  body.number("offset", offset).boolean("complete", complete);
  if (!problem.empty()) body.text("error", problem);
  auto r = net::response::json(status, std::move(body).done());
  r.headers.set("Upload-Offset", std::to_string(offset));
  return r;
}

}  // namespace

rt::task<std::uint64_t> uploads::receive(net::exchange& e, running& r, int fd, std::uint64_t offset,
                                         std::optional<std::uint64_t> total, const std::string& path) {
  const auto mine = r.owner;
  std::vector<std::byte> buffer(piece);
  std::size_t filled = 0;
  for (bool more = true; more;) {
    const auto n = co_await e.body().read_some(std::span(buffer).subspan(filled));
    filled += n;
    more = n > 0;
    if (filled == 0 || (more && filled < buffer.size() / 2)) continue;
    const auto guard = co_await r.writing.lock();
    if (r.owner != mine) fail(disposition::conflict, "The upload of this file was started again by another request.");
    if (total && offset + filled > *total) fail(disposition::invalid, "More bytes came than Upload-Length says.");
    co_await rt::blocking([&] { write_at(fd, std::span(buffer).first(filled), offset, path); });
    offset += filled;
    filled = 0;
    all_.active.touch();
  }
  co_return offset;
}

rt::task<void> uploads::put(net::exchange& e) {
  e.allow_body(UINT64_MAX);
  const auto path = clean_path(e.parameter("path")).value();
  if (path == ".") fail(disposition::invalid, "The name of the file is missing in the address.");
  const auto asked = e.request().query_value("offset");
  const auto offset = number_of(asked, "offset").value_or(0);
  auto total = number_of(e.request().headers.find("Upload-Length"), "Upload-Length");
  if (!total && e.body().length()) total = offset + *e.body().length();
  if (total && offset > *total) fail(disposition::invalid, "The offset lies behind the end of the file.");

  std::erase_if(running_, [](const auto& one) { return one.second.use_count() == 1; });  // no request has it any more
  auto& slot = running_[path];
  if (!slot) slot = std::make_shared<running>();
  const auto r = slot;
  const auto mine = ++r->owner;
  rt::unique_fd fd;
  {
    // Whoever writes this moment finishes its piece, then sees that it lost.
    const auto guard = co_await r->writing.lock();
    const auto too_few = co_await rt::blocking([&] { return prepare(all_.files, path, offset, fd); });
    if (too_few) {
      co_await e.respond(
          state_answer(409, *too_few, false, "The server holds fewer bytes than that. Go on at Upload-Offset."));
      co_return;
    }
  }
  const auto end = co_await receive(e, *r, fd.get(), offset, total, path);
  const bool complete = !total || end == *total;
  {
    const auto guard = co_await r->writing.lock();
    if (r->owner != mine) fail(disposition::conflict, "The upload of this file was started again by another request.");
    if (complete) co_await rt::blocking([&] { finish(all_.files, path, fd.get()); });
  }
  co_await e.respond(state_answer(complete ? 201 : 202, end, complete));
}

}  // namespace atrium::project
