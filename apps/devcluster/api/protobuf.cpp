#include "apps/devcluster/api/protobuf.hpp"

#include <algorithm>
#include <vector>

#include "atrium/net/websocket_codec.hpp"

namespace atrium::devcluster {

namespace {

constexpr std::string_view magic("k8s\0", 4);

/// text (UTF-8), bytes as they are (never part of the result), whole number, boolean, bytes (base64 in JSON), message,
/// map of texts, map of bytes, time, micro time.
enum class of : std::uint8_t { text, raw, number, flag, bytes, message, text_map, bytes_map, time, micro_time };

struct field {
  std::uint64_t number;
  std::string_view name;
  of type;
  bool repeated = false;
  const std::vector<field>* shape = nullptr;
};
using shape = std::vector<field>;

const shape owner = {{1, "kind", of::text},       {3, "name", of::text},       {4, "uid", of::text},
                     {5, "apiVersion", of::text}, {6, "controller", of::flag}, {7, "blockOwnerDeletion", of::flag}};
const shape metadata = {{1, "name", of::text},
                        {2, "generateName", of::text},
                        {3, "namespace", of::text},
                        {5, "uid", of::text},
                        {6, "resourceVersion", of::text},
                        {7, "generation", of::number},
                        {8, "creationTimestamp", of::time},
                        {9, "deletionTimestamp", of::time},
                        {10, "deletionGracePeriodSeconds", of::number},
                        {11, "labels", of::text_map},
                        {12, "annotations", of::text_map},
                        {13, "ownerReferences", of::message, true, &owner},
                        {14, "finalizers", of::text, true}};
const shape namespace_spec = {{1, "finalizers", of::text, true}};
const shape name_space = {{1, "metadata", of::message, false, &metadata},
                          {2, "spec", of::message, false, &namespace_spec}};
const shape config_map = {{1, "metadata", of::message, false, &metadata},
                          {2, "data", of::text_map},
                          {3, "binaryData", of::bytes_map},
                          {4, "immutable", of::flag}};
const shape secret = {{1, "metadata", of::message, false, &metadata},
                      {2, "data", of::bytes_map},
                      {3, "type", of::text},
                      {4, "stringData", of::text_map},
                      {5, "immutable", of::flag}};
const shape lease_spec = {{1, "holderIdentity", of::text},
                          {2, "leaseDurationSeconds", of::number},
                          {3, "acquireTime", of::micro_time},
                          {4, "renewTime", of::micro_time},
                          {5, "leaseTransitions", of::number}};
const shape lease = {{1, "metadata", of::message, false, &metadata}, {2, "spec", of::message, false, &lease_spec}};
const shape preconditions = {{1, "uid", of::text}, {2, "resourceVersion", of::text}};
const shape delete_options = {{1, "gracePeriodSeconds", of::number},
                              {2, "preconditions", of::message, false, &preconditions},
                              {4, "propagationPolicy", of::text},
                              {5, "dryRun", of::text, true}};
const shape eviction = {{1, "metadata", of::message, false, &metadata},
                        {2, "deleteOptions", of::message, false, &delete_options}};

struct known_kind {
  std::string_view kind;
  const shape* fields;
};
const known_kind known_kinds[] = {
    {"Namespace", &name_space}, {"ConfigMap", &config_map},         {"Secret", &secret},
    {"Lease", &lease},          {"DeleteOptions", &delete_options}, {"Eviction", &eviction}};

/// Reads fields off a message; `bad` says that it is malformed.
struct reader {
  std::string_view rest;
  bool bad = false;

  std::uint64_t varint() {
    std::uint64_t n = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest.empty()) break;
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      n |= std::uint64_t(byte & 127) << shift;
      if (byte < 128) return n;
    }
    bad = true;
    return 0;
  }
  std::string_view bytes() {
    const auto size = varint();
    if (bad || size > rest.size()) {
      bad = true;
      return {};
    }
    const auto out = rest.substr(0, size);
    rest.remove_prefix(size);
    return out;
  }
  void skip(unsigned wire) {
    if (wire == 0) (void)varint();
    else if (wire == 2) (void)bytes();
    else if ((wire == 1 || wire == 5) && rest.size() >= (wire == 1 ? 8u : 4u)) rest.remove_prefix(wire == 1 ? 8 : 4);
    else bad = true;
  }
};

json::value read_message(std::string_view bytes, const shape& fields, bool& bad);

void read_entry(json::object& into, std::string_view bytes, bool as_bytes, bool& bad) {
  static const shape of_text = {{1, "k", of::text}, {2, "v", of::text}},
                     of_bytes = {{1, "k", of::text}, {2, "v", of::raw}};
  const auto pair = read_message(bytes, as_bytes ? of_bytes : of_text, bad);
  const auto value = text_at(pair, {"v"});
  into[json::string(text_at(pair, {"k"}))] = as_bytes ? json::string(k8s::encode_base64(value)) : json::string(value);
}

json::value read_time(std::string_view bytes, bool micro, bool& bad) {
  reader r{bytes};
  std::int64_t seconds = 0, nanos = 0;
  while (!r.rest.empty() && !r.bad) {
    const auto tag = r.varint();
    if (tag == 8) seconds = static_cast<std::int64_t>(r.varint());
    else if (tag == 16) nanos = static_cast<std::int64_t>(r.varint());
    else r.skip(tag & 7);
  }
  bad = bad || r.bad || nanos < 0 || nanos >= 1'000'000'000 || seconds < -62'000'000'000 || seconds > 250'000'000'000;
  if (bad || (seconds == 0 && nanos == 0)) return nullptr;
  const auto when = wall_time(std::chrono::duration_cast<wall_time::duration>(
      std::chrono::seconds(std::clamp<std::int64_t>(seconds, -9'000'000'000, 9'000'000'000)) +
      std::chrono::nanoseconds(nanos)));
  return json::string(micro ? rfc3339_micro(when) : rfc3339(when));
}

json::value read_value(reader& r, const field& f) {
  if (f.type == of::number || f.type == of::flag) {
    const auto n = r.varint();
    return f.type == of::flag ? json::value(n != 0) : json::value(static_cast<std::int64_t>(n));
  }
  const auto bytes = r.bytes();
  if (f.type == of::message) return read_message(bytes, *f.shape, r.bad);
  if (f.type == of::time || f.type == of::micro_time) return read_time(bytes, f.type == of::micro_time, r.bad);
  if (f.type == of::text && !net::ws::valid_utf8(bytes)) r.bad = true;  // it could not be said again as JSON
  return f.type == of::bytes ? json::string(k8s::encode_base64(bytes)) : json::string(bytes);
}

json::value read_message(std::string_view bytes, const shape& fields, bool& bad) {
  json::object out;
  reader r{bytes};
  while (!r.rest.empty() && !r.bad) {
    const auto tag = r.varint();
    const auto f =
        std::find_if(fields.begin(), fields.end(), [&](const field& known) { return known.number == tag >> 3; });
    const bool scalar = f != fields.end() && (f->type == of::number || f->type == of::flag);
    if (f == fields.end() || (tag & 7) != (scalar ? 0u : 2u)) {
      r.skip(tag & 7);
      continue;
    }
    json::value& slot = out[json::string(f->name)];
    if (f->type == of::text_map || f->type == of::bytes_map) {
      if (!slot.is_object()) slot.emplace_object();
      read_entry(slot.get_object(), r.bytes(), f->type == of::bytes_map, r.bad);
    } else if (f->repeated) {
      if (!slot.is_array()) slot.emplace_array();
      slot.get_array().push_back(read_value(r, *f));
    } else {
      slot = read_value(r, *f);
    }
  }
  bad = bad || r.bad;
  return out;
}

}  // namespace

bool is_protobuf_object(std::string_view bytes) noexcept { return bytes.starts_with(magic); }

result<json::value> decode_protobuf_object(std::string_view bytes) {
  static const shape type_meta = {{1, "apiVersion", of::text}, {2, "kind", of::text}};
  static const shape envelope = {{1, "type", of::message, false, &type_meta}, {2, "raw", of::raw}};
  const auto malformed = api_error("BadRequest", "The body is not a protobuf object of Kubernetes.");
  if (!is_protobuf_object(bytes)) return malformed;
  bool bad = false;
  const auto outer = read_message(bytes.substr(magic.size()), envelope, bad);
  if (bad) return malformed;
  const auto kind = text_at(outer, {"type", "kind"});
  for (const auto& known : known_kinds) {
    if (known.kind != kind) continue;
    json::value out = read_message(text_at(outer, {"raw"}), *known.fields, bad);
    if (bad) return malformed;
    // Typed clients write every empty text; JSON leaves those out.
    if (auto* meta = find(out, {"metadata"}); meta && meta->is_object())
      for (auto at = meta->get_object().begin(); at != meta->get_object().end();)
        at = at->value().is_string() && at->value().get_string().empty() ? meta->get_object().erase(at) : at + 1;
    set_at(out, {"kind"}, json::string(kind));
    set_at(out, {"apiVersion"}, json::string(text_at(outer, {"type", "apiVersion"})));
    return out;
  }
  return api_error("UnsupportedMediaType", "This server takes objects of kind " + std::string(kind) +
                                               " as JSON only: send the body as application/json.");
}

}  // namespace atrium::devcluster
