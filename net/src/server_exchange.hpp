/// @file server_exchange.hpp - one request and its answer on a server connection. Layer: net, private.
#pragma once

#include "server_connection.hpp"

namespace atrium::net {

class server_exchange;

/// The body of a request; says 100 Continue when the handler wants to read it.
class request_body final : public framed_body {
 public:
  request_body(server_exchange& owner, stream& from, input_buffer& input, const http1::head_facts& facts,
               rt::duration timeout)
      : framed_body(message_kind::request, from, input, facts, timeout), owner_(owner) {}

 protected:
  rt::task<void> before_first_read() override;

 private:
  server_exchange& owner_;
};

class server_exchange final : public exchange {
 public:
  server_exchange(server_connection&, net::request head, const http1::head_facts&);

  void allow_body(std::uint64_t bytes) override { request_body_.limit(bytes); }
  rt::task<void> respond(response) override;
  rt::task<void> respond(response head, std::string_view body) override;
  rt::task<std::unique_ptr<body_writer>> start(response head) override;
  rt::task<upgraded> upgrade(net::headers) override;
  rt::task<void> upgrade(net::headers, upgraded_session) override;
  rt::task<void> peer_gone() override;

  /// After the handler: reads what little is left of the request's body. True when the connection can serve another
  /// request.
  rt::task<bool> settle();
  bool is_upgraded() const noexcept { return upgraded_; }
  /// The answer cannot be completed: the connection must be cut, so that the client does not take it for whole.
  bool is_cut() const noexcept { return writing_; }
  bool body_unread() const noexcept { return !request_body_.finished(); }

 private:
  friend class request_body;
  class writer;
  void take_answer(unsigned status);
  bool body_is_settled() const noexcept;
  std::string head_text(response& r, std::optional<std::uint64_t> length, bool chunked);
  /// A whole answer: its head's text. `body` becomes what of it is to be sent.
  std::string begin_answer(response& r, std::string_view& body);

  server_connection& connection_;
  http1::head_facts facts_;
  request_body request_body_;
  bool keep_ = false, continued_ = false, upgraded_ = false;
  bool writing_ = false;  ///< an answer was begun and has not been finished
};

}  // namespace atrium::net
