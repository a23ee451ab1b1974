#include <fcntl.h>

#include <boost/json.hpp>

#include "apps/project/environment.hpp"
#include "apps/project/http/handlers.hpp"
#include "apps/project/session/parameters.hpp"
#include "atrium/rt/blocking.hpp"

namespace atrium::project {

namespace {

constexpr std::uint64_t most_seconds = 24 * 3600, most_output = 64u << 20;

bool flag(const boost::json::object& o, const char* name, bool otherwise) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null()) return otherwise;
  if (!v->is_bool()) fail(disposition::invalid, std::string("The parameter \"") + name + "\" must be true or false.");
  return v->get_bool();
}

struct command {
  rt::process_options options;
  std::string directory;
  std::chrono::milliseconds timeout{60'000};
  std::size_t most = 10u << 20;
  bool err_on_exit = true;
};

command parse(const boost::json::object& o, const home& h) {
  command c;
  const auto line = text_parameter(o, "command");
  if (line.find('\0') != std::string::npos || line.empty())
    fail(disposition::invalid, "The command is empty or holds a NUL.");
  std::vector<std::string> args;
  if (o.contains("args") && !o.at("args").is_null()) args = texts_parameter(o, "args");
  if (flag(o, "bash", false)) c.options.argv = {login_shell(), "-c", line, login_shell()};  // args are $1, $2, ...
  else c.options.argv = {line};
  c.options.argv.insert(c.options.argv.end(), args.begin(), args.end());
  c.directory = path_parameter(o, "path", true);
  if (const auto* t = o.if_contains("timeout"); t && !t->is_null()) {
    boost::json::error_code problem;
    const auto seconds = t->to_number<double>(problem);
    if (problem || !(seconds > 0 && seconds <= static_cast<double>(most_seconds)))
      fail(disposition::invalid, "The timeout is a number of seconds, at most a day.");
    c.timeout = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
  }
  c.most = optional_number(o, "max_output", most_output).value_or(c.most);
  c.err_on_exit = flag(o, "err_on_exit", true);
  c.options.environment = user_environment(h.path());
  if (const auto* env = o.if_contains("env"); env && !env->is_null()) {
    if (!env->is_object()) fail(disposition::invalid, "\"env\" must be an object of texts.");
    for (const auto& [key, value] : env->get_object()) {
      const auto* text = value.if_string();
      if (!text || key.empty() || key.find('=') != std::string_view::npos)
        fail(disposition::invalid, "\"env\" must be an object of texts.");
      set_variable(*c.options.environment, std::string(key), std::string(text->data(), text->size()));
    }
  }
  return c;
}

/// Output is bytes; JSON is text.
std::string as_valid_text(const std::string& bytes) {
  if (utf8_to_utf16(bytes)) return bytes;
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    const auto character = bytes.substr(i, n);
    const bool valid = utf8_to_utf16(character).has_value();
    out += valid ? character : std::string("\xEF\xBF\xBD");
    i += valid ? n : 1;
  }
  return out;
}

}  // namespace

rt::task<void> execute(net::exchange& e, parts& all) {
  all.active.touch();
  const auto body = co_await e.body().text(4u << 20);
  boost::json::error_code problem;
  const auto parsed = boost::json::parse(body, problem);
  if (problem || !parsed.is_object()) fail(disposition::invalid, "The request must be a JSON object with \"command\".");
  auto c = parse(parsed.get_object(), all.files);
  c.options.directory = all.files.path();
  if (c.directory != ".")
    c.options.directory += "/" + co_await rt::blocking([&] {
                             all.files.open(c.directory, O_PATH | O_DIRECTORY);
                             return all.files.real_path(c.directory);
                           });
  rt::command_output done;
  try {
    done = co_await rt::with_timeout(c.timeout, rt::run_command(c.options, c.most));
  } catch (const failure& f) {
    if (f.disposition() == disposition::timed_out)
      fail(disposition::timed_out, "The command did not end within its timeout of " +
                                       std::to_string(c.timeout.count()) +
                                       " ms and was killed, with everything that it had started.");
    if (f.disposition() == disposition::not_found)
      fail(disposition::not_found, "There is no program \"" + c.options.argv[0] + "\" in the project.");
    throw;
  }
  all.active.touch();
  const bool failed = c.err_on_exit && done.status.code != 0;
  auto answer = co_await rt::blocking([&] {  // of much output that is no text this takes a while
    json_object o;
    o.text("type", "blocking")
        .text("stdout", as_valid_text(done.standard_output))
        .text("stderr", as_valid_text(done.standard_error))
        .number("exit_code", done.status.code);
    if (done.truncated) o.boolean("truncated", true);
    if (failed) o.text("error", "The command ended with exit code " + std::to_string(done.status.code) + ".");
    return std::move(o).done();
  });
  co_await e.respond(net::response::json(failed ? 400 : 200, std::move(answer)));
}

}  // namespace atrium::project
