/// @file api.hpp - the Kubernetes API as a function from requests to answers. Layer: apps/devcluster, I/O-free.
///
/// What needs I/O comes back as a plan for the server: watches, and calls to a pod (logs, exec, attach).
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/devcluster/api/registry.hpp"

namespace atrium::devcluster {

using query_list = std::vector<std::pair<std::string, std::string>>;
/// The first of that name, or empty.
std::string_view value_of(const query_list& query, std::string_view name) noexcept;

struct api_request {
  std::string method;
  std::string path;  ///< still percent-encoded
  query_list query;  ///< decoded
  std::string accept, content_type;
  std::string body;

  std::string_view value(std::string_view name) const noexcept;
  bool flag(std::string_view name) const noexcept;  ///< "true" or "1"
};

struct api_answer {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::string> warnings = {};
};

/// A watch, checked and ready to stream.
struct watch_plan {
  const resource_type* type;
  std::string name_space;
  selector which;
  revision since = 0;
  bool initial = false;         ///< first send what exists, as ADDED
  bool initial_marker = false;  ///< end that with the bookmark of sendInitialEvents
  bool bookmarks = false;
  bool table = false;
  std::chrono::seconds timeout{0};
};

/// A call that the node agent answers.
struct pod_call {
  enum class verb : std::uint8_t { log, exec, attach, port_forward } what;
  object_ptr pod;
  query_list query;
};

using outcome = std::variant<api_answer, watch_plan, pod_call>;

class api {
 public:
  explicit api(registry& objects) : objects_(objects) {}
  outcome handle(const api_request& request);

 private:
  /// What an address names.
  struct target {
    const resource_type* type = nullptr;
    std::string name_space, name, subresource;
  };
  result<outcome> collection_result(const api_request& request, const target& at);
  result<outcome> object_result(const api_request& request, const target& at);
  result<outcome> subresource_result(const api_request& request, const target& at);
  result<api_answer> list(const api_request& request, const target& at, const selector& which);
  result<watch_plan> watch(const api_request& request, const target& at, selector which);
  result<target> parse_target(const std::vector<std::string>& segments) const;
  std::string render(const api_request& request, const object_ptr& object) const;

  registry& objects_;
};

/// A Status object of kind Failure.
api_answer failure_answer(const error& e);
std::string failure_text(const error& e);

/// One line of a watch stream, with its newline. `text` is JSON.
std::string watch_line(std::string_view event, std::string_view text);
std::string bookmark_line(const resource_type& type, revision at, bool initial_events_end);

}  // namespace atrium::devcluster
