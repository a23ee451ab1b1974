// What an API server sends: watch streams in any split, objects, statuses and exec frames.
#include <boost/json.hpp>

#include "atrium/k8s/exec_protocol.hpp"
#include "atrium/k8s/json.hpp"
#include "atrium/k8s/objects.hpp"
#include "atrium/k8s/status.hpp"
#include "atrium/k8s/watch.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace atrium;

namespace {

void objects(const boost::json::value& v) {
  (void)k8s::parse_pod(v);
  (void)k8s::parse_node(v);
  (void)k8s::parse_configmap(v);
  (void)k8s::parse_secret(v);
  (void)k8s::parse_event(v);
  const auto lease = k8s::parse_lease(v);
  const auto again = k8s::parse_lease(k8s::to_json(lease));
  ATRIUM_ASSERT(again.holder == lease.holder && again.duration_seconds == lease.duration_seconds &&
                    again.transitions == lease.transitions && again.renewed == lease.renewed,
                "a lease said again is the same");
}

std::string read(std::string_view text, std::uint32_t seed, bool split) {
  k8s::watch_decoder d(4096);
  std::string out;
  const auto take = [&](std::string_view piece) {
    d.feed(piece);
    for (;;) {
      auto e = d.next();
      if (!e) return out += "!", false;
      if (!*e) return true;
      ATRIUM_ASSERT((*e)->object && (*e)->object->is_object(), "an event has an object");
      out +=
          std::to_string(static_cast<int>((*e)->type)) + (*e)->resource_version + boost::json::serialize(*(*e)->object);
      if (!split) objects(*(*e)->object);
    }
  };
  if (split) tests::in_pieces(text, seed, take);
  else take(text);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::fuzz_input in(data, size);
  const auto seed = in.byte();
  const auto text = in.rest();
  if (text.size() < 4096)  // beyond, a line may be refused by length before or after its end has come
    ATRIUM_ASSERT(read(text, 0, false) == read(text, seed, true), "splits change nothing");
  if (const auto v = k8s::parse_json(text)) objects(*v);
  const auto e = k8s::error_of_status(400 + seed, text);
  ATRIUM_ASSERT(!e.public_text().empty(), "an error has words");
  (void)k8s::parse_exec_status(text);
  (void)k8s::parse_retry_after(text);
  (void)k8s::parse_time(text);
  if (const auto f = k8s::decode_exec_frame(text); f && f->channel != k8s::exec_channel::close)
    ATRIUM_ASSERT(k8s::encode_exec_frame(f->channel, f->data) == text, "a frame said again is the same");
  if (const auto plain = k8s::decode_base64(text))
    ATRIUM_ASSERT(k8s::decode_base64(k8s::encode_base64(*plain)).value() == *plain,
                  "encoding and decoding undo each other");
  return 0;
}
