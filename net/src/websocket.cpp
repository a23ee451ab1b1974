#include "atrium/net/websocket.hpp"

#include <algorithm>

namespace atrium::net {

namespace {

/// Tokens of all fields of that name, in order.
std::vector<std::string_view> tokens(const headers& h, std::string_view name) {
  std::vector<std::string_view> out;
  for (auto line : h.all(name)) {
    while (!line.empty()) {
      const auto comma = std::min(line.find(','), line.size());
      auto token = line.substr(0, comma);
      line.remove_prefix(std::min(comma + 1, line.size()));
      while (!token.empty() && (token.front() == ' ' || token.front() == '\t')) token.remove_prefix(1);
      while (!token.empty() && (token.back() == ' ' || token.back() == '\t')) token.remove_suffix(1);
      if (!token.empty()) out.push_back(token);
    }
  }
  return out;
}

/// What is wrong with an upgrade request, as an answer; nullopt when nothing is.
std::optional<response> refusal(const request& r) {
  if (!r.headers.has_token("Upgrade", "websocket") || !r.headers.has_token("Connection", "Upgrade")) {
    auto answer =
        response::of(error(disposition::invalid, "This address speaks WebSocket: connect with a WebSocket client."));
    answer.status = 426;
    answer.headers.set("Upgrade", "websocket");
    return answer;
  }
  const auto versions = r.headers.all("Sec-WebSocket-Version");
  if (versions.size() != 1 || versions[0] != "13") {
    auto answer = response::of(error(disposition::invalid, "Only version 13 of WebSocket is spoken here."));
    answer.status = 426;
    answer.headers.set("Upgrade", "websocket");
    answer.headers.set("Sec-WebSocket-Version", "13");
    return answer;
  }
  const auto keys = r.headers.all("Sec-WebSocket-Key");
  if (r.method != "GET" || r.minor_version < 1 || keys.size() != 1 || !ws::valid_handshake_key(keys[0]))
    return response::of(error(disposition::invalid, "The WebSocket handshake is not valid."));
  return std::nullopt;
}

std::string choose_protocol(const std::vector<std::string>& ours, const std::vector<std::string_view>& theirs) {
  for (const auto& p : ours)
    if (std::find(theirs.begin(), theirs.end(), p) != theirs.end()) return p;
  return {};
}

error refused_by(unsigned status, std::string text) {
  const auto what = status == 401                    ? disposition::unauthenticated
                    : status == 403                  ? disposition::denied
                    : status == 404                  ? disposition::not_found
                    : status == 409                  ? disposition::conflict
                    : status == 429 || status == 503 ? disposition::overloaded
                    : status == 502 || status == 504 ? disposition::disconnected
                    : status >= 400 && status < 500  ? disposition::invalid
                                                     : disposition::failed;
  return error(what, "The server refused the WebSocket connection with status " + std::to_string(status) + ".")
      .with_code("http." + std::to_string(status))
      .with_peer_text(std::move(text));
}

rt::task<std::string> beginning_of(body_reader& body) {
  std::string text(1024, '\0');
  std::size_t have = 0;
  try {
    while (have < text.size()) {
      const auto n = co_await body.read_some(std::as_writable_bytes(std::span(text).subspan(have)));
      if (n == 0) break;
      have += n;
    }
  } catch (const failure& f) {
    if (f.disposition() == disposition::cancelled) throw;
  }
  text.resize(have);
  co_return text;
}

/// The head of the answer 101 and the protocol chosen. Answers a request that is not a handshake, then throws.
rt::task<headers> handshake_answer(exchange& e, const websocket_options& options, std::string& protocol) {
  const auto& r = e.request();
  if (auto answer = refusal(r)) {
    co_await e.respond(std::move(*answer));
    fail(disposition::invalid, "The WebSocket handshake was refused.");
  }
  headers answer{{"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Accept", ws::handshake_accept(*r.headers.find("Sec-WebSocket-Key"))}};
  protocol = choose_protocol(options.protocols, tokens(r.headers, "Sec-WebSocket-Protocol"));
  if (!protocol.empty()) answer.add("Sec-WebSocket-Protocol", protocol);
  co_return answer;
}

}  // namespace

rt::task<std::unique_ptr<websocket>> accept_websocket(exchange& e, websocket_options options) {
  std::string protocol;
  auto raw = co_await e.upgrade(co_await handshake_answer(e, options, protocol));
  co_return make_websocket(std::move(raw.stream), websocket_role::server, std::move(options), std::move(raw.buffered),
                           std::move(protocol));
}

rt::task<void> serve_websocket(exchange& e, websocket_options options, websocket_session session) {
  std::string protocol;
  auto answer = co_await handshake_answer(e, options, protocol);
  auto begin = [options = std::move(options), protocol = std::move(protocol),
                session = std::move(session)](exchange::upgraded raw) mutable {
    return session(make_websocket(std::move(raw.stream), websocket_role::server, std::move(options),
                                  std::move(raw.buffered), std::move(protocol)));
  };
  co_await e.upgrade(std::move(answer), std::move(begin));
}

rt::task<std::unique_ptr<websocket>> connect_websocket(http_client& client, const origin& to, request head,
                                                       websocket_options options) {
  return connect_websocket([&client, to](request r) { return client.send(to, std::move(r)); }, std::move(head),
                           std::move(options));
}

rt::task<std::unique_ptr<websocket>> connect_websocket(handshake_sender send, request head, websocket_options options) {
  const auto key = ws::make_handshake_key();
  head.method = "GET";
  head.headers.set("Upgrade", "websocket");
  head.headers.set("Connection", "Upgrade");
  head.headers.set("Sec-WebSocket-Version", "13");
  head.headers.set("Sec-WebSocket-Key", key);
  head.headers.erase("Sec-WebSocket-Extensions");
  if (!options.protocols.empty()) {
    std::string offered;
    for (const auto& p : options.protocols) offered += (offered.empty() ? "" : ", ") + p;
    head.headers.set("Sec-WebSocket-Protocol", offered);
  }
  auto answer = co_await send(std::move(head));
  if (answer.status != 101 || !answer.upgraded)
    throw failure(refused_by(answer.status, co_await beginning_of(*answer.body)));

  const auto& h = answer.headers;
  const auto protocols = h.all("Sec-WebSocket-Protocol");
  const bool protocol_ok =
      protocols.empty() || (protocols.size() == 1 && std::find(options.protocols.begin(), options.protocols.end(),
                                                               protocols[0]) != options.protocols.end());
  if (!h.has_token("Upgrade", "websocket") || !h.has_token("Connection", "Upgrade") ||
      h.all("Sec-WebSocket-Accept").size() != 1 || h.find("Sec-WebSocket-Accept") != ws::handshake_accept(key) ||
      h.contains("Sec-WebSocket-Extensions") || !protocol_ok)
    throw failure(error(disposition::invalid, "The server's answer to the WebSocket handshake is not valid.")
                      .with_code("websocket.handshake"));
  std::string protocol(protocols.empty() ? std::string_view() : protocols[0]);
  co_return make_websocket(std::move(answer.upgraded->stream), websocket_role::client, std::move(options),
                           std::move(answer.upgraded->buffered), std::move(protocol));
}

}  // namespace atrium::net
