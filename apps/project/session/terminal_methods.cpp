#include <boost/json.hpp>

#include "apps/project/session/parameters.hpp"
#include "apps/project/session/session.hpp"
#include "atrium/base/log.hpp"

namespace atrium::project {

namespace {

terminal_size size_of(const boost::json::object& p) {
  terminal_size s;
  s.columns = static_cast<unsigned>(std::max<std::uint64_t>(number_parameter(p, "cols", 2000), 2));
  s.rows = static_cast<unsigned>(std::max<std::uint64_t>(number_parameter(p, "rows", 2000), 1));
  return s;
}

/// A text is for the shell, a list is a program and its arguments.
std::vector<std::string> command_of(const boost::json::object& p) {
  const auto* c = p.if_contains("command");
  if (!c || c->is_null()) return {};
  if (c->is_string()) return {"/bin/sh", "-c", text_parameter(p, "command")};
  auto argv = texts_parameter(p, "command");
  if (argv.empty() || argv.front().empty()) fail(disposition::invalid, "The command is empty.");
  return argv;
}

}  // namespace

rt::task<std::string> session::terminal_open(const parameters& p) {
  if (channels_.size() >= most_channels)
    fail(disposition::overloaded, "Too many terminals are open on this page. Close some first.");
  terminal_request r;
  r.name = optional_text(p, "terminal").value_or("");
  r.directory = path_parameter(p, "path", true);
  r.command = command_of(p);
  r.size = size_of(p);
  const auto t = all_.terms.open(r);
  const auto number = next_channel_++;
  const auto view = t->view(*this, number, r.size);
  channels_[number] = {t, view};
  scope_->spawn(feed(number), "terminal.viewer");  // starts in the next turn: behind the answer
  co_return json_object()
      .text("terminal", t->name())
      .number("channel", number)
      .text("title", t->title())
      .number("cols", t->size().columns)
      .number("rows", t->size().rows)
      .number("replay", t->replay(*view))
      .raw("viewers", t->viewers_json())
      .done();
}

rt::task<void> session::feed(std::uint32_t number) {
  const auto c = channels_.at(number);
  try {
    co_await c.of->run_viewer(c.view);
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
    log::debug("a viewer of a terminal is gone", {{"session", peer::session()}, {"error", f.error()}});
  }
  c.of->leave(*c.view);
  channels_.erase(number);
}

session::channel& session::channel_of(const parameters& p) {
  const auto it = channels_.find(static_cast<std::uint32_t>(number_parameter(p, "channel", 0xFFFFFFFF)));
  if (it == channels_.end()) fail(disposition::not_found, "This terminal is not open here any more. Open it again.");
  return it->second;
}

void session::take_binary(std::string_view frame) {
  if (frame.size() < 5 || frame[0] != 1) return;
  std::uint32_t number = 0;
  for (int i = 1; i <= 4; ++i) number = number << 8 | static_cast<unsigned char>(frame[static_cast<std::size_t>(i)]);
  const auto it = channels_.find(number);
  if (it == channels_.end()) return;  // typed while the terminal ended
  all_.active.touch();
  try {
    it->second.of->input(frame.substr(5));
  } catch (const failure& f) {
    push(json_object()
             .text("event", "terminal.input_refused")
             .number("channel", number)
             .text("message", f.error().public_text())
             .done());
  }
}

rt::task<std::string> session::terminal_resize(const parameters& p) {
  auto& c = channel_of(p);
  c.of->resize(*c.view, size_of(p));
  co_return json_object().number("cols", c.of->size().columns).number("rows", c.of->size().rows).done();
}

rt::task<std::string> session::terminal_close(const parameters& p) {
  auto& c = channel_of(p);
  c.of->leave(*c.view);
  co_return "{}";
}

rt::task<std::string> session::terminal_kill(const parameters& p) {
  const auto t = all_.terms.find(text_parameter(p, "terminal"));
  if (!t) fail(disposition::not_found, "There is no terminal of that name.");
  t->kill();
  co_return "{}";
}

rt::task<std::string> session::terminal_list(const parameters&) {
  co_return json_object()
      .raw("terminals", json_array(all_.terms.all(),
                                   [](const auto& entry) {
                                     const auto& t = *entry.second;
                                     return json_object()
                                         .text("terminal", t.name())
                                         .text("title", t.title())
                                         .number("cols", t.size().columns)
                                         .number("rows", t.size().rows)
                                         .raw("viewers", t.viewers_json())
                                         .done();
                                   }))
      .done();
}

rt::task<std::string> session::terminal_ack(const parameters& p) {
  auto& c = channel_of(p);
  c.of->acknowledge(*c.view, number_parameter(p, "bytes", 1ull << 62));
  co_return "{}";
}

}  // namespace atrium::project
