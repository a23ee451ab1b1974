#include "atrium/k8s/status.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "atrium/k8s/json.hpp"

namespace atrium::k8s {

namespace {

disposition disposition_of(unsigned status) noexcept {
  switch (status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return disposition::invalid;
    case 401:
      return disposition::unauthenticated;
    case 403:
      return disposition::denied;
    case 404:
      return disposition::not_found;
    case 409:
    case 410:
      return disposition::conflict;
    case 429:
    case 503:
      return disposition::overloaded;
    case 408:
    case 504:
      return disposition::timed_out;
    case 501:
      return disposition::unimplemented;
    case 502:
      return disposition::disconnected;
    default:
      return disposition::failed;
  }
}

std::string sentence_of(disposition what) {
  switch (what) {
    case disposition::invalid:
      return "Kubernetes refused the request as invalid.";
    case disposition::unauthenticated:
      return "Kubernetes does not accept our credentials.";
    case disposition::denied:
      return "Kubernetes does not allow this.";
    case disposition::not_found:
      return "Kubernetes does not know this object.";
    case disposition::conflict:
      return "The object in Kubernetes has changed meanwhile.";
    case disposition::overloaded:
      return "Kubernetes is overloaded; try again later.";
    case disposition::timed_out:
      return "Kubernetes did not answer in time.";
    case disposition::unimplemented:
      return "This Kubernetes cannot do that.";
    case disposition::disconnected:
      return "Kubernetes cannot be reached.";
    default:
      return "Kubernetes failed to do this.";
  }
}

}  // namespace

error error_of_status(unsigned http_status, std::string_view body) {
  std::string message(body.substr(0, 2000)), reason;
  if (auto parsed = parse_json(body); parsed && parsed->is_object()) {
    reason = text_at(*parsed, {"reason"});
    message = text_at(*parsed, {"message"}, message);
  }
  std::string code = "k8s." + std::to_string(http_status);
  if (http_status == 409 && reason == "AlreadyExists") code = code_exists;
  if (http_status == 403 && message.find("exceeded quota") != std::string::npos) code = code_quota;
  const auto what = disposition_of(http_status);
  return error(what, sentence_of(what)).with_code(std::move(code)).with_peer_text(std::move(message));
}

std::optional<rt::duration> parse_retry_after(std::string_view value) noexcept {
  unsigned seconds = 0;
  const char* last = value.data() + value.size();
  const auto [end, failed] = std::from_chars(value.data(), last, seconds);
  if (failed != std::errc() || end != last) return std::nullopt;
  return std::chrono::seconds(seconds > 60 ? 60 : seconds);
}

}  // namespace atrium::k8s
