/// @file error.hpp - what went wrong, what the caller may do about it, and who may read which part of the text.
/// Layer: base. Bugs of ours are assertions (assert.hpp); outcomes a caller must handle are result<T> (result.hpp);
/// failures of the world are an `error`, carried by result<T> or thrown as `failure`.
#pragma once

#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace atrium {

/// What the caller may do about an error. Retry policies and HTTP status codes follow from this and from nothing else.
enum class disposition : std::uint8_t {
  failed,           ///< no known remedy
  invalid,          ///< the request is wrong; repeating it cannot help
  unauthenticated,  ///< nobody is signed in, or the credentials are wrong
  denied,           ///< signed in, but not allowed
  not_found,        ///< the thing does not exist (or the caller may not know that it does)
  conflict,         ///< the thing changed meanwhile: read again, then decide
  overloaded,       ///< too much at once: wait, then retry
  disconnected,     ///< the peer is gone: reconnect, then retry what is idempotent
  timed_out,        ///< the deadline passed; whether it took effect is unknown
  cancelled,        ///< the caller (or its scope) asked to stop
  unimplemented,    ///< this peer cannot do it: fall back
};

std::string_view to_string(disposition) noexcept;

/// A failure of the world. A value: copy, move and keep it as you like.
class error {
 public:
  /// What result<T>::error() gives when there is none (it returns by value: keep a copy, not a reference into it).
  error() noexcept : disposition_(disposition::failed) {}
  /// `public_text` is shown to people: a sentence that says what is wrong and, where it helps, what to do.
  /// It never holds text from a peer, secrets or paths of the server.
  error(disposition what, std::string public_text, std::source_location where = std::source_location::current());

  atrium::disposition disposition() const noexcept { return disposition_; }
  const std::string& public_text() const noexcept { return public_text_; }
  /// Text of the other side (server message, errno text). For logs only: it may hold anything.
  const std::string& peer_text() const noexcept { return peer_text_; }
  /// A short machine-readable code of the layer that made the error ("pg.40001", "errno.ENOENT", "http.431"), or empty.
  const std::string& code() const noexcept { return code_; }

  error&& with_peer_text(std::string text) && {
    peer_text_ = std::move(text);
    return std::move(*this);
  }
  error&& with_code(std::string code) && {
    code_ = std::move(code);
    return std::move(*this);
  }
  /// Adds where and why this mattered to a caller; shown innermost first by describe().
  error& add_context(std::string constant_message, std::source_location where = std::source_location::current());

  /// Everything, on one line, for the log.
  std::string describe() const;

 private:
  struct link {
    std::string message;
    const char* file;
    unsigned line;
  };
  atrium::disposition disposition_;
  std::string public_text_, peer_text_, code_;
  std::vector<link> context_;
};

/// An `error` on its way up. what() is describe().
class failure : public std::exception {
 public:
  explicit failure(atrium::error e) : error_(std::move(e)), text_(error_.describe()) {}
  const atrium::error& error() const noexcept { return error_; }
  atrium::disposition disposition() const noexcept { return error_.disposition(); }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  atrium::error error_;
  std::string text_;
};

/// The error of a system call: disposition by errno, code "errno.NAME", public text "<what>: <strerror>".
error system_error(int errno_value, std::string_view what,
                   std::source_location where = std::source_location::current());

/// Throws failure(error(...)).
[[noreturn]] void fail(disposition what, std::string public_text,
                       std::source_location where = std::source_location::current());

/// The error of any exception: that of a failure, else disposition::failed with what() as peer text.
error error_of(std::exception_ptr) noexcept;

/// HTTP status that tells a client of this disposition (RFC 9110 section 15): the one place where that is decided.
unsigned http_status(disposition) noexcept;

}  // namespace atrium
