#include "apps/project/documents/journal_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "apps/project/collab/digest.hpp"
#include "atrium/base/assert.hpp"

namespace atrium::project {

std::string journal_path(std::string_view document_path) {
  return std::string(journal_folder) + "/" + digest_name(document_path) + ".journal";
}

journal_file journal_file::create(const home& h, const std::string& document_path, const document& d, bool closed) {
  h.make_folders(journal_folder, 0700);
  const auto path = journal_path(document_path), beside = path + ".new";
  const auto bytes = journal::begin(document_path, d, closed);
  journal_file out;
  out.fd_ = h.open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  write_all_blocking(out.fd_.get(), bytes, beside);
  if (::renameat(h.fd(), beside.c_str(), h.fd(), path.c_str()) < 0) fail_for_path(errno, path, "write");
  out.size_ = out.first_size_ = bytes.size();
  return out;
}

journal_file journal_file::resume(const home& h, const std::string& document_path, std::size_t good_bytes) {
  const auto path = journal_path(document_path);
  journal_file out;
  out.fd_ = h.open(path, O_RDWR | O_APPEND);
  if (::ftruncate(out.fd_.get(), static_cast<off_t>(good_bytes)) < 0) fail_for_path(errno, path, "write");
  // pwrite on a descriptor with O_APPEND would append, so the flag is written through another one.
  const auto head = h.open(path, O_WRONLY);
  if (::pwrite(head.get(), "o", 1, journal::flag_offset) != 1) fail_for_path(errno, path, "write");
  out.size_ = out.first_size_ = good_bytes;
  return out;
}

void journal_file::append(std::string_view records) {
  ATRIUM_ASSERT(fd_, "an open document has a journal");
  std::size_t done = 0;
  while (done < records.size()) {
    const auto n = ::write(fd_.get(), records.data() + done, records.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    const int e = errno;
    // Half a record would end the journal for everything after it.
    [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(size_));
    fail_for_path(e, "the record of changes", "write");
  }
  size_ += records.size();
}

}  // namespace atrium::project
