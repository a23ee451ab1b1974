/// @file small_disk.hpp - a file system of a few megabytes for tests of what happens when it is full. It is mounted in
/// a mount namespace of the calling thread: nobody else sees it, processes started by the thread do, and it goes with
/// them. Needs root.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace atrium::tests {

class small_disk {
 public:
  /// Mounts `megabytes` at `folder`. False when this process may not do so: skip the test, loudly.
  static bool mount(const std::filesystem::path& folder, int megabytes) {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("small", folder.c_str(), "tmpfs", 0,
                   ("mode=1777,size=" + std::to_string(megabytes) + "m").c_str()) == 0;
  }
  static void unmount(const std::filesystem::path& folder) { ::umount2(folder.c_str(), MNT_DETACH); }

  /// Takes the last free byte with a file of that name, which is to be removed to make space again.
  static void fill(const std::filesystem::path& ballast) {
    std::ofstream out(ballast, std::ios::binary);
    const std::string page(4096, '#');
    while (out.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
};

}  // namespace atrium::tests
