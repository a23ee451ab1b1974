#include "apps/devcluster/store/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/devcluster/store/files.hpp"
#include "atrium/base/log.hpp"

namespace atrium::devcluster {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t header_bytes = 8, largest_record = 64u << 20;
constexpr std::string_view cannot_write = "The object store cannot write a snapshot";

void put_u32(std::string& out, std::uint32_t n) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(n >> shift);
}

std::uint32_t get_u32(std::string_view bytes) noexcept {
  std::uint32_t n = 0;
  for (unsigned i = 0; i < 4; ++i) n |= std::uint32_t(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return n;
}

std::uint32_t crc_of(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw failure(system_error(errno, "The object store cannot read its files"));
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

/// The <rv> of "<stem>.<rv>" files, ascending.
std::vector<revision> revisions_of(const std::string& folder, std::string_view stem) {
  std::vector<revision> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.size() <= stem.size() + 1 || !name.starts_with(stem) || name[stem.size()] != '.') continue;
    const auto digits = name.substr(stem.size() + 1);
    if (digits.find_first_not_of("0123456789") == std::string::npos)
      found.push_back(std::strtoull(digits.c_str(), nullptr, 10));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

void encode_record(std::string& out, const journal_record& record) {
  std::string payload(1, static_cast<char>(record.what));
  payload += record.resource;
  payload += '\0';
  payload += record.text;
  put_u32(out, static_cast<std::uint32_t>(payload.size()));
  put_u32(out, crc_of(payload));
  out += payload;
}

std::optional<journal_record> decode_record(std::string_view& bytes) noexcept {
  if (bytes.size() < header_bytes) return std::nullopt;
  const std::size_t size = get_u32(bytes);
  if (size < 2 || size > largest_record || bytes.size() - header_bytes < size) return std::nullopt;
  const auto payload = bytes.substr(header_bytes, size);
  const auto end_of_name = payload.find('\0');
  if (crc_of(payload) != get_u32(bytes.substr(4)) || end_of_name == std::string_view::npos) return std::nullopt;
  bytes.remove_prefix(header_bytes + size);
  return journal_record{static_cast<record_kind>(payload[0]), payload.substr(1, end_of_name - 1),
                        payload.substr(end_of_name + 1)};
}

journal::journal(std::string folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  lock_ = rt::unique_fd(::open((folder_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw failure(system_error(errno, "The object store cannot use its folder"));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    fail(disposition::conflict,
         "Another devcluster uses this state folder; stop it, or choose another folder with --state.");
}

std::string journal::file(std::string_view stem, revision at) const {
  return folder_ + "/" + std::string(stem) + "." + std::to_string(at);
}

void journal::open_log(revision at) {
  rt::unique_fd fd(::open(file("log", at).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) throw failure(system_error(errno, "The object store cannot open its log"));
  log_ = std::move(fd);
  log_bytes_ = static_cast<std::size_t>(::lseek(log_.get(), 0, SEEK_END));
}

void journal::load(object_store& store) {
  const auto apply = [&](const journal_record& record, bool snapshot) {
    if (record.what == record_kind::revision) {
      store.restore_revision(std::strtoull(std::string(record.text).c_str(), nullptr, 10));
      return;
    }
    const auto* type = find_resource(record.resource);
    if (!type) return;  // written by a newer version: nothing here could use it
    json::value value = json::parse(record.text);
    if (snapshot) store.restore(*type, std::move(value));
    else store.restore_change(*type, record.what == record_kind::erase, std::move(value));
  };
  const auto snapshots = revisions_of(folder_, "snapshot");
  if (!snapshots.empty()) {
    const std::string bytes = read_whole(file("snapshot", snapshots.back()));
    std::string_view rest = bytes;
    while (const auto record = decode_record(rest)) apply(*record, true);
    if (!rest.empty())
      fail(disposition::failed,
           "The snapshot of the object store is damaged; restore the state folder from a backup, or remove "
           "its objects folder to start with an empty cluster.");
    snapshot_bytes_ = bytes.size();
  }
  for (const auto at : revisions_of(folder_, "log")) {
    const std::string path = file("log", at), bytes = read_whole(path);
    std::string_view rest = bytes;
    while (const auto record = decode_record(rest)) apply(*record, false);
    if (rest.empty()) continue;
    log::warn("cut an unfinished record off the object log", {{"file", path}, {"bytes", rest.size()}});
    if (::truncate(path.c_str(), static_cast<off_t>(bytes.size() - rest.size())) != 0)
      throw failure(system_error(errno, "The object store cannot repair its log"));
  }
  open_log(store.current());
}

void journal::append(const change& c) {
  std::string bytes;
  encode_record(bytes, {c.what == change_kind::deleted ? record_kind::erase : record_kind::put, c.now->type().plural,
                        c.now->text()});
  try {
    write_fully(log_.get(), bytes, "The object store cannot write to its log");
    log_bytes_ += bytes.size();
    dirty_ = true;
  } catch (const failure&) {
    behind_ = true;  // what follows a torn record would be lost: cut it off
    if (::ftruncate(log_.get(), static_cast<off_t>(log_bytes_)) != 0) log::error("cannot repair the object log");
    throw;
  }
}

std::function<void()> journal::begin_compaction(const object_store& store) {
  std::string bytes;
  encode_record(bytes, {record_kind::revision, "", std::to_string(store.current())});
  for (const auto& type : resource_types())
    for (const auto& [key, object] : store.all(type))
      encode_record(bytes, {record_kind::put, type.plural, object->text()});
  const revision at = store.current();
  open_log(at);
  snapshot_bytes_ = bytes.size();
  behind_ = false;
  return [this, at, bytes = std::move(bytes)] {
    const std::string path = file("snapshot", at), beside = path + ".new";
    const rt::unique_fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd) throw failure(system_error(errno, cannot_write));
    write_fully(fd.get(), bytes, cannot_write);
    if (::fsync(fd.get()) != 0) throw failure(system_error(errno, cannot_write));
    fs::rename(beside, path);
    for (const auto old : revisions_of(folder_, "snapshot"))
      if (old < at) fs::remove(file("snapshot", old));
    for (const auto old : revisions_of(folder_, "log"))
      if (old < at) fs::remove(file("log", old));
  };
}

std::function<void()> journal::begin_sync() {
  if (!std::exchange(dirty_, false)) return {};
  auto fd = std::make_shared<rt::unique_fd>(::fcntl(log_.get(), F_DUPFD_CLOEXEC, 0));
  if (!*fd) return {};
  return [fd] {
    if (::fdatasync(fd->get()) != 0) log::error("the object log may not survive a power cut", {{"errno", errno}});
  };
}

}  // namespace atrium::devcluster
