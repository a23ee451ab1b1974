// Paths beneath a home, with openat2 and without it.
#include "apps/project/files/home.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "apps/project/documents/disk_file.hpp"
#include "apps/project/files/operations.hpp"

namespace atrium::project {
namespace {

class Home : public testing::TestWithParam<bool> {
 protected:
  Home() {
    char name[] = "/tmp/atrium-home-XXXXXX";
    root_ = ::mkdtemp(name);
    std::filesystem::create_directories(root_ / "home/a/b");
    write("secret", "outside");
    write("home/a/b/file", "inside");
    std::filesystem::create_symlink("a/b/file", root_ / "home/link");
    std::filesystem::create_symlink("../secret", root_ / "home/out");
    std::filesystem::create_symlink(root_, root_ / "home/up");
    h_.emplace((root_ / "home").string() + "/", GetParam());
  }
  ~Home() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, std::string_view text) const { std::ofstream(root_ / path) << text; }
  std::string read(const std::string& path) const {
    std::ifstream in(root_ / path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  disposition refused(const std::string& path) const {
    try {
      h_->open(path, O_RDONLY);
    } catch (const failure& f) {
      return f.disposition();
    }
    return disposition::failed;
  }
  std::filesystem::path root_;
  std::optional<home> h_;
};

TEST_P(Home, ASaveTakesInWhatComesFromWhoHadTheOldFileOpen) {
  write("home/doc", "old\n");
  const auto before = read_document_file(*h_, "doc").value();
  const auto path = root_ / "home/doc";
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  std::thread writer([&] {
    struct stat now;
    while (::stat(path.c_str(), &now) == 0 && now.st_ino == before.stamp.inode) std::this_thread::yield();
    EXPECT_EQ(::write(fd, "added\n", 6), 6);  // into what the save has just put aside
    ::close(fd);
  });
  const auto saved = save_document_file(*h_, "doc", "new\n", before.digest, before.stamp);
  writer.join();
  EXPECT_TRUE(saved.written);
  ASSERT_TRUE(saved.displaced);
  EXPECT_EQ(saved.displaced->bytes, "old\nadded\n");
  EXPECT_EQ(read("home/doc"), "new\n");
}

INSTANTIATE_TEST_SUITE_P(Resolution, Home, testing::Bool(),
                         [](const auto& p) { return p.param ? "openat2" : "steps"; });

TEST_P(Home, ResolvesWhatLiesBeneathAndNothingElse) {
  EXPECT_EQ(read_all(h_->open("a/b/file", O_RDONLY).get(), 100, "file"), "inside");
  EXPECT_EQ(refused("out"), disposition::denied);
  EXPECT_EQ(refused("up/secret"), GetParam() ? disposition::denied : disposition::invalid);
  EXPECT_EQ(refused("none/x"), disposition::not_found);
  EXPECT_EQ(refused("a/b/file/x"), disposition::invalid);
  if (GetParam()) EXPECT_EQ(h_->real_path("link"), "a/b/file");
  else EXPECT_EQ(refused("link"), disposition::denied) << "links are not followed at all";
  EXPECT_EQ(h_->real_path("."), ".");
}

TEST_P(Home, WritesMovesAndRemovesInside) {
  write_file(*h_, "new/deep/x", "text");
  EXPECT_EQ(read("home/new/deep/x"), "text");
  rename_path(*h_, "new", "renamed");
  EXPECT_THROW(write_file(*h_, "up/x", "text"), failure);
  EXPECT_THROW(write_file(*h_, "out", "text"), failure);
  remove_for_good(*h_, "up");  // the link, not what it leads to
  remove_for_good(*h_, "renamed");
  EXPECT_EQ(read("secret"), "outside");
  EXPECT_FALSE(h_->exists("renamed"));
}

TEST_P(Home, ASaveGivesBackWhatSomebodyElseWrote) {
  const auto before = read_document_file(*h_, "a/b/file");
  ASSERT_TRUE(before);
  write("home/a/b/file", "by another");
  auto outcome = save_document_file(*h_, "a/b/file", "ours", before->digest, before->stamp);
  EXPECT_TRUE(outcome.written);
  ASSERT_TRUE(outcome.displaced);
  EXPECT_EQ(outcome.displaced->bytes, "by another");
  EXPECT_EQ(read("home/a/b/file"), "ours");
  EXPECT_EQ(leftover(*h_, "a/b/file")->bytes, "by another") << "kept until it is merged";
  forget_leftover(*h_, "a/b/file");
  EXPECT_FALSE(leftover(*h_, "a/b/file"));

  const auto now = read_document_file(*h_, "a/b/file");
  std::filesystem::remove(root_ / "home/a/b/file");
  outcome = save_document_file(*h_, "a/b/file", "again", now->digest, now->stamp);
  EXPECT_TRUE(outcome.gone);
  EXPECT_FALSE(h_->exists("a/b/file"));
  outcome = save_document_file(*h_, "a/b/file", "again", "", {});
  EXPECT_TRUE(outcome.written);
  outcome = save_document_file(*h_, "a/b/file", "and again", "", {});
  EXPECT_FALSE(outcome.written) << "there should be no file";
  EXPECT_EQ(outcome.displaced->bytes, "again");

  const auto text = read_document_file(*h_, "a/b/file");
  write("home/a/b/file", std::string("bin\0ary", 7));
  EXPECT_THROW(save_document_file(*h_, "a/b/file", "x", text->digest, text->stamp), failure);
  EXPECT_EQ(read("home/a/b/file"), std::string("bin\0ary", 7)) << "put back";
}

TEST_P(Home, KnowsWhenAFileIsBeingWritten) {
  EXPECT_FALSE(being_written(*h_, "a/b/file"));
  const auto fd = h_->open("a/b/file", O_WRONLY);
  EXPECT_TRUE(being_written(*h_, "a/b/file"));
}

}  // namespace
}  // namespace atrium::project
