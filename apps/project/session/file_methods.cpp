#include <boost/json.hpp>
#include <cerrno>
#include <ctime>

#include "apps/project/environment.hpp"
#include "apps/project/files/operations.hpp"
#include "apps/project/session/parameters.hpp"
#include "apps/project/session/session.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

using namespace std::chrono_literals;

namespace {

std::string json_of(const file_entry& e) {
  json_object o;
  o.text("name", e.name)
      .text("type", e.type)
      .number("size", e.size)
      .number("mtime", e.modified_ms)
      .number("mode", e.mode);
  if (!e.target.empty()) o.text("target", e.target);
  return std::move(o).done();
}

std::vector<std::string> clean_paths(const boost::json::object& p, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& path : texts_parameter(p, name)) out.push_back(clean_path(path).value());
  if (out.empty()) fail(disposition::invalid, "No paths are given.");
  return out;
}

}  // namespace

rt::task<std::string> session::files_list(const parameters& p) {
  const auto path = path_parameter(p, "path", true);
  co_return co_await rt::blocking([&] {
    const auto found = list_folder(all_.files, path);
    return json_object()
        .raw("entries", json_array(found.entries, json_of))
        .boolean("truncated", found.truncated)
        .done();
  });
}

rt::task<std::string> session::files_stat(const parameters& p) {
  const auto path = path_parameter(p, "path", true);
  co_return co_await rt::blocking([&] { return json_of(describe(all_.files, path)); });
}

rt::task<std::string> session::files_read(const parameters& p) {
  const auto path = path_parameter(p, "path");
  co_return co_await rt::blocking([&] { return json_object().text("text", read_text(all_.files, path)).done(); });
}

rt::task<std::string> session::files_write(const parameters& p) {
  const auto path = path_parameter(p, "path");
  const auto text = text_parameter(p, "text");
  co_await rt::blocking([&] { write_file(all_.files, path, text); });
  co_return "{}";
}

rt::task<std::string> session::files_create(const parameters& p) {
  const auto path = path_parameter(p, "path");
  co_await rt::blocking([&] { create_file(all_.files, path); });
  co_return "{}";
}

rt::task<std::string> session::files_mkdir(const parameters& p) {
  const auto path = path_parameter(p, "path");
  co_await rt::blocking([&] { make_folder(all_.files, path); });
  co_return "{}";
}

rt::task<std::string> session::files_rename(const parameters& p) {
  co_await all_.docs.rename(path_parameter(p, "from"), path_parameter(p, "to"));
  co_return "{}";
}

rt::task<std::string> session::files_remove(const parameters& p) {
  const auto paths = clean_paths(p, "paths");
  const auto trash = co_await rt::blocking([&] { return move_to_trash(all_.files, paths, activity::now_ms()); });
  if (trash.empty()) co_return R"({"trash":null})";
  co_return json_object().text("trash", trash).done();
}

rt::task<std::string> session::files_restore(const parameters& p) {
  const auto trash = path_parameter(p, "trash");
  const auto paths = co_await rt::blocking([&] { return restore_from_trash(all_.files, trash); });
  co_return json_object()
      .raw("paths", json_array(paths,
                               [](const std::string& path) {
                                 std::string out;
                                 append_json_string(out, path);
                                 return out;
                               }))
      .done();
}

/// cp(1) knows every kind of file, and is ended by a signal when its session ends.
rt::task<std::string> session::files_copy(const parameters& p) {
  const auto from = path_parameter(p, "from"), to = path_parameter(p, "to");
  std::string source, target;
  co_await rt::blocking([&] {
    all_.files.status(from);
    if (all_.files.exists(to)) fail_for_path(EEXIST, to, "copy");
    if (to == from || to.starts_with(from + "/") || from == ".")
      fail(disposition::invalid, "A folder cannot be copied into itself.");
    all_.files.make_folders(parent_of(to));
    source = all_.files.path() + "/" + join(all_.files.real_path(parent_of(from)), name_of(from));
    target = all_.files.path() + "/" + join(all_.files.real_path(parent_of(to)), name_of(to));
  });
  rt::process_options o;
  o.argv = {"cp", "-aT", "--no-clobber", "--", source, target};
  auto environment = user_environment(all_.files.path());
  set_variable(environment, "LC_ALL", "C");
  o.environment = std::move(environment);
  const auto done = co_await rt::run_command(o, 64 * 1024);
  if (done.status.code != 0 && done.standard_error.find("No space left on device") != std::string::npos) {
    co_await rt::blocking([&] { remove_for_good(all_.files, to); });  // half a copy would keep the disk full
    fail_for_path(ENOSPC, to, "copy");
  }
  if (done.status.code != 0)
    throw failure(error(disposition::failed, "The copy is not complete. Look at what is there before you try again.")
                      .with_peer_text(done.standard_error));
  co_return "{}";
}

rt::task<std::string> session::files_watch(const parameters& p) {
  const auto path = path_parameter(p, "path", true);
  if (watches_.contains(path)) co_return "{}";
  if (watches_.size() >= most_watches)
    fail(disposition::overloaded, "Too many folders are watched. Stop watching some first.");
  watch w{.asked = optional_text(p, "path").value_or("")};
  w.subscription = listen_to(path);
  watches_.emplace(path, std::move(w));
  co_return "{}";
}

rt::task<std::string> session::files_unwatch(const parameters& p) {
  watches_.erase(path_parameter(p, "path", true));
  co_return "{}";
}

watcher::subscription session::listen_to(const std::string& path) {
  return all_.watching.subscribe(path, [this, path](const folder_event&) { folder_changed(path); });
}

void session::folder_changed(const std::string& path) {
  const auto it = watches_.find(path);
  if (it == watches_.end() || it->second.scheduled || !scope_) return;
  it->second.scheduled = true;
  const auto now = rt::loop::current().now();
  scope_->spawn(push_later(path, std::max(now + 20ms, it->second.last_push + 200ms)), "session.watch");
}

/// Tells of a change. The path may lead to another folder by now, as when a build replaces its output: that one is
/// listened to from here on; while there is none, it is waited for.
rt::task<void> session::push_later(std::string path, rt::time_point when) {
  for (bool there = false, told = false; !there; told = true, when = rt::loop::current().now() + 1s) {
    co_await rt::sleep_until(when);
    const auto it = watches_.find(path);
    if (it == watches_.end()) co_return;
    auto& w = it->second;
    try {
      w.subscription = listen_to(path);
      there = true;
    } catch (const failure&) {
    }
    w.scheduled = !there;
    w.last_push = rt::loop::current().now();
    if (there || !told) push(json_object().text("event", "files.changed").text("path", w.asked).done());
  }
}

}  // namespace atrium::project
