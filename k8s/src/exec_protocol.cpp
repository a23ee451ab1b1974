#include "atrium/k8s/exec_protocol.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "atrium/k8s/json.hpp"

namespace atrium::k8s {

result<exec_frame> decode_exec_frame(std::string_view message) {
  if (message.empty()) return error(disposition::invalid, "The container's answer is an empty message.");
  const auto channel = static_cast<unsigned char>(message.front());
  if (channel > 4 && channel != 255)
    return error(disposition::invalid, "The container's answer has an unknown channel.");
  return exec_frame{static_cast<exec_channel>(channel), message.substr(1)};
}

std::string encode_exec_frame(exec_channel channel, std::string_view data) {
  std::string out(1, static_cast<char>(channel));
  return out.append(data);
}

std::string encode_exec_resize(unsigned columns, unsigned rows) {
  return encode_exec_frame(exec_channel::resize,
                           "{\"Width\":" + std::to_string(columns) + ",\"Height\":" + std::to_string(rows) + "}");
}

std::string encode_exec_close(exec_channel which) {
  return encode_exec_frame(exec_channel::close, std::string(1, static_cast<char>(which)));
}

exec_end parse_exec_status(std::string_view text) {
  auto status = parse_json(text);
  if (!status) return {126, std::string(text.substr(0, 2000))};
  if (text_at(*status, {"status"}) == "Success") return {};
  exec_end end{126, text_at(*status, {"message"})};
  if (text_at(*status, {"reason"}) != "NonZeroExitCode") return end;
  const auto* causes = find(*status, {"details", "causes"});
  if (!causes || !causes->is_array()) return end;
  for (const auto& cause : causes->get_array()) {
    if (text_at(cause, {"reason"}) != "ExitCode") continue;
    const auto code = text_at(cause, {"message"});
    std::from_chars(code.data(), code.data() + code.size(), end.exit_code);
  }
  return end;
}

}  // namespace atrium::k8s
