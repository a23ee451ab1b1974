/// @file session.hpp - one browser at /ws: requests, answers and pushes (docs/protocols.md section 3). Layer: app
/// project.
/// @thread the loop's
#pragma once

#include <boost/json/fwd.hpp>
#include <map>
#include <memory>

#include "apps/project/parts.hpp"
#include "atrium/net/websocket.hpp"

namespace atrium::project {

class session final : public peer {
 public:
  static constexpr std::size_t most_requests = 64;  ///< running at once
  static constexpr std::size_t most_channels = 64;
  static constexpr std::size_t most_watches = 200;

  session(parts& all, std::unique_ptr<net::websocket> socket, person who);
  /// Serves until either side ends it. @cancel closes with 1001
  rt::task<void> run();

  void push(std::string json) noexcept override;
  rt::task<void> send_binary(std::span<const std::byte> frame) override;
  void end(std::uint16_t code, std::string reason) noexcept override;

  static net::websocket_options socket_options();
  /// The colour in which others see this person: the same everywhere, by account.
  static std::string color_of(std::string_view account_id);

 private:
  using parameters = boost::json::object;
  using method = rt::task<std::string> (session::*)(const parameters&);
  struct method_info {
    method run;
    bool in_order;   ///< answered before the next message is read; must not wait long
    bool is_active;  ///< counts as activity of a person
  };
  static const std::map<std::string_view, method_info>& methods();

  rt::task<void> receive_all();
  struct request {
    std::string id;  ///< as JSON
    const method_info* what = nullptr;
    std::unique_ptr<parameters> given;
  };
  /// Answers by itself what is no request.
  std::optional<request> parse(std::string text);
  void take_binary(std::string_view frame);
  rt::task<void> handle(request);
  void answer_error(const std::string& id, const error& why);
  rt::task<void> close_socket(std::uint16_t code, std::string reason);
  void leave_everything() noexcept;

  rt::task<std::string> ping(const parameters&);
  rt::task<std::string> note_activity(const parameters&);
  rt::task<std::string> status(const parameters&);

  rt::task<std::string> files_list(const parameters&);
  rt::task<std::string> files_stat(const parameters&);
  rt::task<std::string> files_read(const parameters&);
  rt::task<std::string> files_write(const parameters&);
  rt::task<std::string> files_create(const parameters&);
  rt::task<std::string> files_mkdir(const parameters&);
  rt::task<std::string> files_rename(const parameters&);
  rt::task<std::string> files_remove(const parameters&);
  rt::task<std::string> files_restore(const parameters&);
  rt::task<std::string> files_copy(const parameters&);
  rt::task<std::string> files_watch(const parameters&);
  rt::task<std::string> files_unwatch(const parameters&);

  rt::task<std::string> terminal_open(const parameters&);
  rt::task<std::string> terminal_resize(const parameters&);
  rt::task<std::string> terminal_close(const parameters&);
  rt::task<std::string> terminal_kill(const parameters&);
  rt::task<std::string> terminal_list(const parameters&);
  rt::task<std::string> terminal_ack(const parameters&);

  rt::task<std::string> document_open(const parameters&);
  rt::task<std::string> document_push(const parameters&);
  rt::task<std::string> document_cursor(const parameters&);
  rt::task<std::string> document_close(const parameters&);

  /// A look at a terminal.
  struct channel {
    std::shared_ptr<terminal> of;
    std::shared_ptr<terminal::viewer> view;
  };
  channel& channel_of(const parameters&);
  rt::task<void> feed(std::uint32_t number);

  /// A folder whose changes the browser wants to hear of.
  struct watch {
    std::string asked;  ///< the path as the browser knows it
    watcher::subscription subscription{};
    rt::time_point last_push{};
    bool scheduled = false;
  };
  watcher::subscription listen_to(const std::string& path);
  void folder_changed(const std::string& path);
  rt::task<void> push_later(std::string path, rt::time_point when);

  std::shared_ptr<shared_document> document_of(const parameters&);

  parts& all_;
  std::unique_ptr<net::websocket> socket_;
  rt::scope* scope_ = nullptr;
  std::size_t requests_ = 0;
  bool ending_ = false;
  std::map<std::uint32_t, channel> channels_;
  std::uint32_t next_channel_ = 1;
  std::map<std::string, watch> watches_;
  std::map<std::string, std::string> real_paths_;  ///< of documents, by the path that the browser used
};

}  // namespace atrium::project
