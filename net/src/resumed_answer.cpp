#include "resumed_answer.hpp"

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "atrium/rt/backoff.hpp"
#include "http1_body.hpp"

namespace atrium::net {

namespace {

using namespace std::chrono_literals;

constexpr unsigned most_breaks = 100;  // of one answer: who breaks more often than that is no server being restarted
constexpr rt::backoff_options pauses{.first = 20ms, .longest = 500ms};  // many answers break off together

std::optional<std::string> strong_etag(const headers& h) {
  const auto etag = h.find("ETag");
  if (!etag || h.count("ETag") != 1 || etag->size() < 2 || etag->front() != '"' || etag->back() != '"')
    return std::nullopt;
  return std::string(*etag);
}

/// "bytes FIRST-LAST/SIZE" into all but the etag.
bool parse_content_range(std::string_view text, answer_part& out) {
  constexpr std::string_view unit = "bytes ";
  const auto dash = text.find('-'), slash = text.find('/');
  if (!text.starts_with(unit) || dash == text.npos || slash == text.npos || dash > slash) return false;
  const auto first = http1::parse_length(text.substr(unit.size(), dash - unit.size()));
  const auto last = http1::parse_length(text.substr(dash + 1, slash - dash - 1));
  const auto size = http1::parse_length(text.substr(slash + 1));
  if (!first || !last || !size || *first > *last || *last >= *size) return false;
  out.first = *first;
  out.end = *last + 1;
  out.size = *size;
  return true;
}

/// A service that is being restarted, or whose neighbour is: worth another try.
bool passes(unsigned status) noexcept { return status >= 500 || status == 429; }

}  // namespace

std::optional<answer_part> part_of(unsigned status, const headers& h) {
  auto etag = strong_etag(h);
  if (!etag) return std::nullopt;
  answer_part out{.etag = std::move(*etag)};
  if (status == 206) {
    const auto range = h.find("Content-Range");
    if (!range || h.count("Content-Range") != 1 || !parse_content_range(*range, out)) return std::nullopt;
    return out;
  }
  const auto length = h.find("Content-Length");
  if (status != 200 || !length || !h.has_token("Accept-Ranges", "bytes")) return std::nullopt;
  const auto size = http1::parse_length(*length);
  if (!size) return std::nullopt;
  out.end = out.size = *size;
  return out;
}

rt::task<std::size_t> resumed_answer::read_some(std::span<std::byte> into) {
  for (;;) {
    std::exception_ptr lost;
    try {
      const auto n = co_await body_->read_some(into);
      left_.first += n;
      co_return n;
    } catch (const failure& f) {
      if (f.disposition() != disposition::disconnected) throw;
      lost = std::current_exception();
    }
    body_.reset();
    co_await resume(lost);
  }
}

rt::task<void> resumed_answer::resume(std::exception_ptr lost) {
  if (++breaks_ > most_breaks) std::rethrow_exception(lost);
  const auto began = rt::clock::now();
  rt::backoff pause(pauses);
  for (;;) {
    const auto limit = began + patience_ - rt::clock::now();
    if (limit <= rt::duration::zero()) std::rethrow_exception(lost);
    body_ = co_await ask(limit, lost);
    if (body_) break;
    co_await rt::sleep_for(std::min(pause.next(rt::clock::now()), limit));
  }
  static auto& resumed =
      metrics::get_counter("atrium_net_proxy_resumed_total", "Answers that went on over a new connection");
  resumed.add();
  log::info("an answer broke off and goes on",
            {{"at", left_.first},
             {"of", left_.size},
             {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(rt::clock::now() - began).count()}});
}

rt::task<std::unique_ptr<body_reader>> resumed_answer::ask(rt::duration limit, std::exception_ptr lost) {
  auto again = again_();
  again.headers.set("Range", "bytes=" + std::to_string(left_.first) + "-" + std::to_string(left_.end - 1));
  again.headers.set("If-Range", left_.etag);
  client_response answer;
  try {
    answer = co_await rt::with_timeout(limit, client_.send(to_, std::move(again)));
  } catch (const failure& f) {
    if (f.disposition() == disposition::disconnected || f.disposition() == disposition::timed_out) co_return nullptr;
    throw;
  }
  if (passes(answer.status)) co_return nullptr;
  // Anything but exactly the missing bytes: it has changed, or is not for this client any more.
  if (part_of(answer.status, answer.headers) != left_ || answer.body->length() != left_.end - left_.first)
    std::rethrow_exception(lost);
  co_return std::move(answer.body);
}

}  // namespace atrium::net
