#include "atrium/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace atrium {

std::string_view to_string(disposition d) noexcept {
  switch (d) {
    case disposition::failed:
      return "failed";
    case disposition::invalid:
      return "invalid";
    case disposition::unauthenticated:
      return "unauthenticated";
    case disposition::denied:
      return "denied";
    case disposition::not_found:
      return "not_found";
    case disposition::conflict:
      return "conflict";
    case disposition::overloaded:
      return "overloaded";
    case disposition::disconnected:
      return "disconnected";
    case disposition::timed_out:
      return "timed_out";
    case disposition::cancelled:
      return "cancelled";
    case disposition::unimplemented:
      return "unimplemented";
  }
  return "failed";
}

error::error(atrium::disposition what, std::string public_text, std::source_location where)
    : disposition_(what), public_text_(std::move(public_text)) {
  context_.push_back({"", where.file_name(), where.line()});
}

error& error::add_context(std::string constant_message, std::source_location where) {
  context_.push_back({std::move(constant_message), where.file_name(), where.line()});
  return *this;
}

std::string error::describe() const {
  std::string out = public_text_;
  out += " [";
  out += to_string(disposition_);
  if (!code_.empty()) out += " " + code_;
  out += "]";
  if (!peer_text_.empty()) out += " peer: " + peer_text_;
  for (const auto& link : context_) {
    const char* slash = std::strrchr(link.file, '/');
    out += link.message.empty() ? " at " : "; " + link.message + " at ";
    out += slash ? slash + 1 : link.file;
    out += ":" + std::to_string(link.line);
  }
  return out;
}

namespace {
disposition of_errno(int e) noexcept {
  switch (e) {
    case EACCES:
    case EPERM:
      return disposition::denied;
    case ENOENT:
    case ESRCH:
      return disposition::not_found;
    case EEXIST:
    case ENOTEMPTY:
    case EBUSY:
      return disposition::conflict;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
      return disposition::invalid;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case ENOBUFS:
      return disposition::overloaded;
    case ECONNRESET:
    case EPIPE:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return disposition::disconnected;
    case ETIMEDOUT:
      return disposition::timed_out;
    case ECANCELED:
      return disposition::cancelled;
    case ENOSYS:
    case EOPNOTSUPP:
      return disposition::unimplemented;
    default:
      return disposition::failed;
  }
}
}  // namespace

error system_error(int e, std::string_view what, std::source_location where) {
  const char* name = strerrorname_np(e);
  return error(of_errno(e), std::string(what) + ": " + strerrordesc_np(e), where)
      .with_code(name ? std::string("errno.") + name : "errno." + std::to_string(e));
}

void fail(disposition what, std::string public_text, std::source_location where) {
  throw failure(error(what, std::move(public_text), where));
}

error error_of(std::exception_ptr e) noexcept {
  try {
    std::rethrow_exception(e);
  } catch (const failure& f) {
    return f.error();
  } catch (const std::exception& x) {
    return error(disposition::failed, "internal error").with_peer_text(x.what());
  } catch (...) {
    return error(disposition::failed, "internal error").with_peer_text("unknown exception");
  }
}

unsigned http_status(disposition d) noexcept {
  switch (d) {
    case disposition::failed:
      return 500;
    case disposition::invalid:
      return 400;
    case disposition::unauthenticated:
      return 401;
    case disposition::denied:
      return 403;
    case disposition::not_found:
      return 404;
    case disposition::conflict:
      return 409;
    case disposition::overloaded:
      return 503;
    case disposition::disconnected:
      return 502;
    case disposition::timed_out:
      return 504;
    case disposition::cancelled:
      return 503;
    case disposition::unimplemented:
      return 501;
  }
  return 500;
}

}  // namespace atrium
