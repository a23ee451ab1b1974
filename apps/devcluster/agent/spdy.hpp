/// @file spdy.hpp - SPDY/3.1 frames, as far as kubectl before 1.30 uses them for exec. Layer: apps/devcluster,
/// I/O-free.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "atrium/base/assert.hpp"
#include "atrium/base/result.hpp"

namespace atrium::devcluster::spdy {

using header_map = std::map<std::string, std::string>;

struct frame {
  enum class kind : std::uint8_t { data, open, ping, reset, go_away, other } what = kind::other;
  std::uint32_t stream = 0;  ///< of a ping: its id
  bool fin = false;
  header_map headers;  ///< of open
  std::string data;
};

/// Both directions of one connection: header blocks are compressed in one stream each.
class codec {
 public:
  codec();
  ~codec();
  codec(const codec&) = delete;

  void feed(std::string_view bytes) { input_ += bytes; }
  /// The next whole frame, if there is one. @errors invalid: the connection is of no further use
  result<std::optional<frame>> next();

  std::string reply(std::uint32_t stream);  ///< SYN_REPLY without headers
  std::string data(std::uint32_t stream, std::string_view bytes, bool fin) const;
  std::string ping(std::uint32_t id) const;

 private:
  result<header_map> inflate_headers(std::string_view block);
  struct zlib;
  std::unique_ptr<zlib> zlib_;
  std::string input_;
};

}  // namespace atrium::devcluster::spdy
