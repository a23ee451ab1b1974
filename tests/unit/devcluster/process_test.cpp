#include "apps/devcluster/agent/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace atrium::devcluster {
namespace {

TEST(SandboxProcess, WhatWasStartedAndNotRecordedIsEnded) {
  char folder[] = "/tmp/atrium-process-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string status = std::string(folder) + "/0.status";
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  // As bubblewrap does it: one outside that holds the status file, and a child that does not.
  const pid_t outer = ::fork();
  if (outer == 0) {
    const int fd = ::open(status.c_str(), O_WRONLY | O_CREAT, 0600);
    const pid_t inner = ::fork();
    if (inner == 0) {
      ::close(fd);
      ::pause();
      ::_exit(0);
    }
    if (::write(told[1], &inner, sizeof inner) != sizeof inner) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  pid_t inner = 0;
  ASSERT_EQ(::read(told[0], &inner, sizeof inner), static_cast<ssize_t>(sizeof inner));
  const process_id in{inner, start_time_of(inner)};
  ASSERT_TRUE(in.alive());

  sandbox_process::end_unrecorded(std::string(folder) + "/1.status");
  EXPECT_TRUE(in.alive()) << "another attempt's";
  sandbox_process::end_unrecorded(status);
  int how = 0;
  ASSERT_EQ(::waitpid(outer, &how, 0), outer);
  EXPECT_TRUE(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
  for (int i = 0; i < 1000 && ::kill(inner, 0) == 0; ++i) ::usleep(1000);  // its new parent takes note of its end
  ::close(told[0]);
  ::close(told[1]);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace atrium::devcluster
