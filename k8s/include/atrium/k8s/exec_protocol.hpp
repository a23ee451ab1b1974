/// @file exec_protocol.hpp - channels of remote commands over WebSocket (v4 and v5.channel.k8s.io). Layer: k8s.
/// I/O-free.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/result.hpp"

namespace atrium::k8s {

inline constexpr std::string_view exec_v5 = "v5.channel.k8s.io", exec_v4 = "v4.channel.k8s.io";

/// First byte of every binary message.
enum class exec_channel : unsigned char { input = 0, output = 1, error = 2, status = 3, resize = 4, close = 255 };

struct exec_frame {
  exec_channel channel;
  std::string_view data;  ///< into the message
};
/// @errors invalid (empty, or a channel that does not exist)
result<exec_frame> decode_exec_frame(std::string_view message);
std::string encode_exec_frame(exec_channel, std::string_view data);
std::string encode_exec_resize(unsigned columns, unsigned rows);
/// v5 only: tells the other side that this channel gets no more data.
std::string encode_exec_close(exec_channel);

/// Exit code and text of the Status object that comes last on the status channel; code 126 when it could not be
/// started.
struct exec_end {
  int exit_code = 0;
  std::string message;
};
exec_end parse_exec_status(std::string_view json);

}  // namespace atrium::k8s
