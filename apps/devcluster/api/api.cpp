#include "apps/devcluster/api/api.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "apps/devcluster/api/discovery.hpp"
#include "apps/devcluster/api/request.hpp"
#include "apps/devcluster/api/table.hpp"
#include "atrium/net/websocket_codec.hpp"

namespace atrium::devcluster {

namespace {

api_answer written_answer(const written& done, std::string text) {
  api_answer out{.status = done.created ? 201u : 200u, .body = std::move(text)};
  for (const auto& field : done.warnings) out.warnings.push_back("unknown field \"" + field + "\"");
  return out;
}

std::string success_text(const resource_type& type, const object_ptr& gone) {
  json::value status = {{"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"metadata", json::object()},
                        {"status", "Success"},
                        {"details",
                         {{"name", json::string(gone->name())},
                          {"kind", json::string(type.plural)},
                          {"uid", json::string(gone->uid())}}}};
  if (!type.group.empty()) set_at(status, {"details", "group"}, json::string(type.group));
  return json::serialize(status);
}

/// The body, of the kind that the address is for where it does not say.
result<json::value> object_of(const api_request& request, const resource_type& type) {
  auto body = body_of(request);
  if (body && body->is_object()) {
    body->get_object().emplace("kind", type.kind);
    body->get_object().emplace("apiVersion", type.api_version());
  }
  return body;
}

/// What an address says comes back in answers, which are JSON and so UTF-8.
bool is_text(const std::vector<std::string>& segments, const query_list& query) {
  return std::ranges::all_of(segments, net::ws::valid_utf8) && std::ranges::all_of(query, [](const auto& parameter) {
           return net::ws::valid_utf8(parameter.first) && net::ws::valid_utf8(parameter.second);
         });
}

}  // namespace

std::string failure_text(const error& e) {
  const std::string reason = reason_of(e);
  json::value status = {
      {"kind", "Status"},           {"apiVersion", "v1"}, {"metadata", json::object()},      {"status", "Failure"},
      {"message", e.public_text()}, {"reason", reason},   {"code", status_of_reason(reason)}};
  // `pods "x" not found`: the details that clients look at.
  const std::string& text = e.public_text();
  const auto quote = text.find(" \""), end = quote == std::string::npos ? quote : text.find('"', quote + 2);
  if (end != std::string::npos && text.find_first_of(" \"") == quote)
    status.as_object()["details"] = {{"name", text.substr(quote + 2, end - quote - 2)},
                                     {"kind", text.substr(0, text.find_first_of(" ."))}};
  if (reason == "Timeout")
    status.as_object()["details"] = {
        {"causes", {{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}}},
        {"retryAfterSeconds", 1}};
  return json::serialize(status);
}

api_answer failure_answer(const error& e) {
  return {.status = status_of_reason(reason_of(e)), .body = failure_text(e)};
}

std::string watch_line(std::string_view event, std::string_view text) {
  std::string line;
  line.reserve(text.size() + 40);
  line += R"({"type":")";
  line += event;
  line += R"(","object":)";
  line += text;
  line += "}\n";
  return line;
}

std::string bookmark_line(const resource_type& type, revision at, bool initial_events_end) {
  json::value mark = {{"kind", json::string(type.kind)},
                      {"apiVersion", json::string(type.api_version())},
                      {"metadata", {{"resourceVersion", std::to_string(at)}}}};
  if (initial_events_end) set_at(mark, {"metadata", "annotations", "k8s.io/initial-events-end"}, "true");
  return watch_line("BOOKMARK", json::serialize(mark));
}

std::string api::render(const api_request& request, const object_ptr& object) const {
  if (!wants_table(request.accept)) return object->text();
  return table_text(object->type(), std::span(&object, 1), std::to_string(object->revision()), "",
                    request.value("includeObject"), objects_.now());
}

outcome api::handle(const api_request& request) {
  auto segments = segments_of(request.path);
  if (!is_text(segments, request.query))
    return failure_answer(api_error("BadRequest", "The address of the request is not UTF-8."));
  if (request.path == "/openapi/v2" && request.accept.find("protobuf") != std::string::npos)
    return api_answer{.status = 200, .body = openapi_v2_protobuf(), .content_type = openapi_v2_type};
  if (auto fixed = fixed_document(segments)) {
    if (request.method != "GET" && request.method != "HEAD")
      return failure_answer(api_error("MethodNotAllowed", "This address can only be read."));
    return api_answer{.status = 200, .body = std::move(*fixed)};
  }
  auto at = parse_target(segments);
  if (!at) return failure_answer(at.error());
  if (request.accept.find("json") == std::string::npos && request.accept.find('*') == std::string::npos &&
      !request.accept.empty() && at->subresource != "log")
    return failure_answer(api_error("NotAcceptable", "only the following media types are accepted: application/json"));
  auto done = at->name.empty()          ? collection_result(request, *at)
              : at->subresource.empty() ? object_result(request, *at)
                                        : subresource_result(request, *at);
  return done ? std::move(*done) : outcome(failure_answer(done.error()));
}

result<api::target> api::parse_target(const std::vector<std::string>& segments) const {
  const auto nowhere =
      api_error("NotFound",
                "the server could not find the requested resource: this cluster has namespaces, nodes, pods, "
                "configmaps, secrets, events and leases (see kubectl api-resources).");
  std::string_view group, version;
  std::size_t next = 0;
  if (segments.size() >= 3 && segments[0] == "api") {
    version = segments[1];
    next = 2;
  } else if (segments.size() >= 4 && segments[0] == "apis") {
    group = segments[1];
    version = segments[2];
    next = 3;
  } else {
    return nowhere;
  }
  target out;
  const bool inside = segments[next] == "namespaces" && segments.size() >= next + 3 && segments[next + 2] != "status" &&
                      segments[next + 2] != "finalize";
  if (inside) {
    out.name_space = segments[next + 1];
    next += 2;
  }
  out.type = find_resource(group, version, segments[next]);
  if (!out.type || out.type->namespaced < inside || segments.size() > next + 3) return nowhere;
  if (segments.size() > next + 1) out.name = segments[next + 1];
  if (segments.size() > next + 2) out.subresource = segments[next + 2];
  if (out.type->namespaced && !inside && !out.name.empty()) return nowhere;
  for (const auto* text : {&out.name, &out.name_space})
    if (text->find('\x01') != std::string::npos || text->find('/') != std::string::npos ||
        text->find('\0') != std::string::npos)
      return api_error("BadRequest", "The address has a malformed name.");
  return out;
}

result<outcome> api::collection_result(const api_request& request, const target& at) {
  if (request.method == "POST") {
    if (at.type->namespaced && at.name_space.empty())
      return api_error("MethodNotAllowed", "Objects of this kind are created in a namespace.");
    auto body = object_of(request, *at.type);
    if (!body) return body.error();
    auto done = objects_.create(*at.type, at.name_space, std::move(*body), write_options_of(request));
    if (!done) return done.error();
    return outcome(written_answer(*done, render(request, done->object)));
  }
  auto which = selector_of(request, *at.type, {});
  if (!which) return which.error();
  if (request.method == "DELETE") {
    const auto options = delete_options_of(request);
    if (!options) return options.error();
    auto page = objects_.remove_collection(*at.type, at.name_space, *which, *options);
    if (!page) return page.error();
    return outcome(api_answer{.status = 200, .body = list_text(*at.type, *page, "")});
  }
  if (request.method != "GET" && request.method != "HEAD")
    return api_error("MethodNotAllowed", "the server does not allow this method on the requested resource");
  if (request.flag("watch")) {
    auto plan = watch(request, at, std::move(*which));
    if (!plan) return plan.error();
    return outcome(std::move(*plan));
  }
  auto answer = list(request, at, *which);
  if (!answer) return answer.error();
  return outcome(std::move(*answer));
}

result<outcome> api::object_result(const api_request& request, const target& at) {
  const auto& [type, name_space, name, subresource] = at;
  if (request.method == "GET" || request.method == "HEAD") {
    if (request.flag("watch")) {
      auto which = selector_of(request, *type, name);
      if (!which) return which.error();
      auto plan = watch(request, at, std::move(*which));
      if (!plan) return plan.error();
      return outcome(std::move(*plan));
    }
    auto found = objects_.get(*type, name_space, name);
    if (!found) return found.error();
    return outcome(api_answer{.status = 200, .body = render(request, *found)});
  }
  if (request.method == "DELETE") {
    const auto options = delete_options_of(request);
    if (!options) return options.error();
    auto done = objects_.remove(*type, name_space, name, *options);
    if (!done) return done.error();
    return outcome(
        api_answer{.status = 200, .body = done->gone ? success_text(*type, done->object) : done->object->text()});
  }
  auto options = write_options_of(request);
  options.subresource = subresource;
  result<written> done =
      api_error("MethodNotAllowed", "the server does not allow this method on the requested resource");
  if (request.method == "PUT") {
    auto body = object_of(request, *type);
    if (!body) return body.error();
    done = objects_.replace(*type, name_space, name, std::move(*body), options);
  } else if (request.method == "PATCH") {
    const auto how = patch_kind_of(request);
    if (!how) return how.error();
    const auto body = body_of(request);
    if (!body) return body.error();
    done = objects_.patch(*type, name_space, name, *how, *body, options);
  }
  if (!done) return done.error();
  return outcome(written_answer(*done, render(request, done->object)));
}

result<outcome> api::subresource_result(const api_request& request, const target& at) {
  const auto no_such =
      api_error("NotFound", "the server could not find the requested resource: " + std::string(at.type->plural) +
                                " have no '" + at.subresource + "' here.");
  if (at.subresource == "status" && at.type->status) {
    if (request.method == "DELETE")
      return api_error("MethodNotAllowed", "the server does not allow this method on the requested resource");
    return object_result(request, at);
  }
  if (at.subresource == "finalize" && at.type == &kinds::namespaces() && request.method == "PUT") {
    auto found = objects_.get(*at.type, "", at.name);
    if (!found) return found.error();
    return outcome(api_answer{.status = 200, .body = (*found)->text()});
  }
  if (at.type != &kinds::pods()) return no_such;
  auto pod = objects_.get(*at.type, at.name_space, at.name);
  if (!pod) return pod.error();
  static constexpr std::pair<std::string_view, pod_call::verb> calls[] = {
      {"log", pod_call::verb::log},
      {"exec", pod_call::verb::exec},
      {"attach", pod_call::verb::attach},
      {"portforward", pod_call::verb::port_forward}};
  for (const auto& [name, verb] : calls)
    if (name == at.subresource) return outcome(pod_call{verb, *pod, request.query});
  if (at.subresource != "eviction" || request.method != "POST") return no_such;
  auto body = body_of(request);
  if (!body) return body.error();
  api_request inner = request;
  const auto* options = find(*body, {"deleteOptions"});
  inner.body = options ? json::serialize(*options) : "";
  const auto parsed = delete_options_of(inner);
  if (!parsed) return parsed.error();
  auto done = objects_.remove(*at.type, at.name_space, at.name, *parsed);
  if (!done) return done.error();
  return outcome(api_answer{.status = 201, .body = success_text(*at.type, done->object)});
}

}  // namespace atrium::devcluster
