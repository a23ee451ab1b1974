#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "apps/project/environment.hpp"
#include "apps/project/http/handlers.hpp"
#include "apps/project/http/range.hpp"
#include "atrium/base/log.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

namespace {

constexpr std::size_t piece = 512 * 1024;

/// RFC 6266: an ASCII name for old clients, the real one in UTF-8.
std::string disposition_of(const std::string& name) {
  std::string plain;
  for (const char c : name) plain += c >= 0x20 && c < 0x7F && c != '"' && c != '\\' ? c : '_';
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + net::percent_encode(name);
}

std::string etag_of(const struct stat& st) {
  return "\"" + std::to_string(st.st_ino) + "-" + std::to_string(st.st_size) + "-" + std::to_string(st.st_mtim.tv_sec) +
         "." + std::to_string(st.st_mtim.tv_nsec) + "\"";
}

rt::task<void> send_tar(net::exchange& e, parts& all, const std::string& path) {
  const auto real = co_await rt::blocking([&] { return all.files.real_path(path); });
  const auto name = real == "." ? std::string("home") : name_of(real);
  net::response head;
  head.headers = {{"Content-Type", "application/x-tar"},
                  {"Content-Disposition", disposition_of(name + ".tar")},
                  {"Cache-Control", "no-store"}};
  if (e.request().method == "HEAD") {
    co_await e.respond(std::move(head));
    co_return;
  }
  auto pipe = rt::make_pipe(true, false);
  rt::process_options o;
  o.argv = {"tar",
            "--create",
            "--file=-",
            "--directory",
            all.files.path() + "/" + (real == "." ? "" : parent_of(real)),
            "--",
            real == "." ? "." : name_of(real)};
  o.environment = user_environment(all.files.path());
  o.standard_output = pipe.write.get();
  o.new_session = true;
  auto tar = rt::process::start(o);
  pipe.write.close();
  const auto body = co_await e.start(std::move(head));
  std::vector<std::byte> buffer(256 * 1024);
  while (const auto n = co_await rt::read_some(pipe.read.get(), buffer))
    co_await body->write(std::span(buffer).first(n));
  const auto status = co_await tar.wait();
  // 1: a file changed while it was read, which is what happens to files in use. Anything else: the archive is cut.
  if (status.code == 0 || status.code == 1) co_await body->finish();
  else log::warn("an archive could not be completed", {{"path", path}, {"exit_code", status.code}});
}

struct opened {
  rt::unique_fd fd;
  struct stat status;
};

opened open_for_reading(const home& h, const std::string& path) {
  opened out;
  out.fd = h.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (::fstat(out.fd.get(), &out.status) < 0) fail_for_path(errno, path, "read");
  if (!S_ISREG(out.status.st_mode) && !S_ISDIR(out.status.st_mode))
    fail(disposition::invalid, "\"" + path + "\" is neither a file nor a folder.");
  return out;
}

rt::task<void> send_bytes(net::exchange& e, net::response head, const opened& file, byte_range range,
                          const std::string& path) {
  head.headers.set("Content-Length", std::to_string(range.length));
  if (e.request().method == "HEAD" || range.length == 0) {
    co_await e.respond(std::move(head));
    co_return;
  }
  const auto body = co_await e.start(std::move(head));
  std::string buffer;
  while (range.length > 0) {
    co_await rt::blocking([&] {
      buffer.resize(std::min<std::uint64_t>(piece, range.length));
      const auto n = ::pread(file.fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(range.first));
      if (n < 0) fail_for_path(errno, path, "read");
      buffer.resize(static_cast<std::size_t>(n));
    });
    if (buffer.empty()) co_return;  // it was cut meanwhile: the client sees that its answer is, too
    range.first += buffer.size();
    range.length -= buffer.size();
    co_await body->write(std::string_view(buffer));
  }
  co_await body->finish();
}

rt::task<void> send_upload_state(net::exchange& e, parts& all, const std::string& path) {
  net::response r;
  r.headers = {{"Cache-Control", "no-store"}};
  co_await rt::blocking([&] {
    const auto part = part_path(path);
    if (all.files.exists(part)) {
      r.headers.set("Upload-Offset", std::to_string(all.files.status(part).st_size));
      return;
    }
    r.headers.set("Upload-Offset", "0");
    // For a client that lost the answer to its last piece.
    if (all.files.exists(path)) r.headers.set("Upload-Present", std::to_string(all.files.status(path).st_size));
  });
  co_await e.respond(std::move(r));
}

}  // namespace

rt::task<void> download(net::exchange& e, parts& all) {
  all.active.touch();
  const auto& r = e.request();
  const auto path = clean_path(e.parameter("path")).value();
  if (r.method == "HEAD" && r.query_value("upload")) {
    co_await send_upload_state(e, all, path);
    co_return;
  }
  const auto file = co_await rt::blocking([&] { return open_for_reading(all.files, path); });
  if (S_ISDIR(file.status.st_mode)) {
    if (r.query_value("format") != "tar")
      fail(disposition::invalid,
           "This is a folder. Add ?format=tar to the address to download it with everything in it.");
    co_await send_tar(e, all, path);
    co_return;
  }
  const auto size = static_cast<std::uint64_t>(file.status.st_size);
  const auto etag = etag_of(file.status);
  net::response head;
  head.headers = {{"Content-Type", std::string(content_type_of(name_of(path)))},
                  {"ETag", etag},
                  {"Accept-Ranges", "bytes"},
                  {"Cache-Control", "private, no-cache"},
                  {"X-Content-Type-Options", "nosniff"}};
  if (r.query_value("download")) head.headers.set("Content-Disposition", disposition_of(name_of(path)));
  if (r.headers.find("If-None-Match") == etag) {
    head.status = 304;
    co_await e.respond(std::move(head));
    co_return;
  }
  byte_range range{0, size};
  const auto field = r.headers.find("Range");
  const auto condition = r.headers.find("If-Range");
  if (field && (!condition || *condition == etag)) {
    const auto answer = parse_range(*field, size, range);
    if (answer == range_answer::unsatisfiable) {
      head.status = 416;
      head.headers.set("Content-Range", "bytes */" + std::to_string(size));
      co_await e.respond(std::move(head));
      co_return;
    }
    if (answer == range_answer::part) {
      head.status = 206;
      head.headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                            std::to_string(range.first + range.length - 1) + "/" +
                                            std::to_string(size));
    }
  }
  co_await send_bytes(e, std::move(head), file, range, path);
}

}  // namespace atrium::project
