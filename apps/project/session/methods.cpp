// The table of methods, and those that belong to no other file.
#include <boost/json.hpp>

#include "apps/project/session/session.hpp"

namespace atrium::project {

const std::map<std::string_view, session::method_info>& session::methods() {
  using s = session;
  static const std::map<std::string_view, method_info> table = {
      {"ping", {&s::ping, true, false}},
      {"activity", {&s::note_activity, true, true}},
      {"status", {&s::status, false, false}},
      {"files.list", {&s::files_list, false, false}},
      {"files.stat", {&s::files_stat, false, false}},
      {"files.read", {&s::files_read, false, true}},
      {"files.write", {&s::files_write, false, true}},
      {"files.create", {&s::files_create, false, true}},
      {"files.mkdir", {&s::files_mkdir, false, true}},
      {"files.rename", {&s::files_rename, false, true}},
      {"files.remove", {&s::files_remove, false, true}},
      {"files.restore", {&s::files_restore, false, true}},
      {"files.copy", {&s::files_copy, false, true}},
      {"files.watch", {&s::files_watch, true, false}},
      {"files.unwatch", {&s::files_unwatch, true, false}},
      {"terminal.open", {&s::terminal_open, true, false}},
      {"terminal.resize", {&s::terminal_resize, true, false}},
      {"terminal.close", {&s::terminal_close, true, false}},
      {"terminal.kill", {&s::terminal_kill, true, true}},
      {"terminal.list", {&s::terminal_list, true, false}},
      {"terminal.ack", {&s::terminal_ack, true, false}},
      {"document.open", {&s::document_open, false, false}},
      {"document.push", {&s::document_push, true, true}},
      {"document.cursor", {&s::document_cursor, true, false}},
      {"document.close", {&s::document_close, true, false}},
  };
  return table;
}

rt::task<std::string> session::ping(const parameters&) { co_return "{}"; }

rt::task<std::string> session::note_activity(const parameters&) { co_return "{}"; }  // the table's flag does it

rt::task<std::string> session::status(const parameters&) { co_return co_await status_json(all_); }

}  // namespace atrium::project
