/// @file editor.hpp - a browser that types lines into a shared document, as the web application does, through lost
/// connections; it knows what was acknowledged.
#pragma once

#include "tests/integration/kills/world.hpp"
#include "tests/unit/project/collab_client.hpp"

namespace atrium::tests {

class editor {
 public:
  static constexpr const char* path = "doc.txt";
  editor(world&, std::size_t project, std::size_t person, std::string name);

  /// Until cancelled.
  rt::task<void> run();
  /// Everything typed is acknowledged and has come back.
  bool settled() const { return connected_ && client_ && client_->unconfirmed().empty(); }
  const std::u16string& text() const { return client_->text(); }
  std::size_t project() const noexcept { return project_; }
  const std::string& name() const noexcept { return name_; }
  /// The lines that it typed.
  std::vector<std::string> lines() const;

 private:
  rt::task<void> live();
  rt::task<void> open();
  rt::task<void> push();
  void type_line();
  void take_updates(std::uint64_t version, const json::array& updates);
  void start_over(std::u16string text, std::uint64_t version);
  std::string line(std::size_t n) const { return "<" + name_ + ":" + std::to_string(n) + ">\n"; }

  world& world_;
  std::size_t project_, person_;
  std::string name_;
  chance chance_;
  std::unique_ptr<session> page_;
  std::optional<collab_client> client_;
  std::string epoch_;
  bool connected_ = false;
  std::size_t lives_ = 0;         // as clients of the document, each with its own id
  std::size_t typed_ = 0;         // lines 0 .. typed_-1
  std::size_t acknowledged_ = 0;  // lines 0 .. acknowledged_-1
};

}  // namespace atrium::tests
