/// @file client.hpp - the Kubernetes API: objects, watches, logs and commands in pods. Layer: k8s.
///
/// @thread one loop. @cancel at every await; whether a write took effect is then unknown.
/// @errors failure by the rules of status.hpp; disconnected and timed_out when the API cannot be reached. Every call:
///   - 401: the token file is read again and the call repeated, once
///   - 429, and 503 with Retry-After: waited out and repeated, up to client_options::retry_limit in all. Each wait is
///     lengthened by chance, so that callers who were refused together do not come back together
///   - GETs on a connection that broke are repeated once by the HTTP client
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atrium/k8s/config.hpp"
#include "atrium/k8s/resource.hpp"
#include "atrium/k8s/status.hpp"
#include "atrium/k8s/watch.hpp"

namespace atrium::k8s {

struct client_options {
  rt::duration request_timeout = std::chrono::seconds(30);
  rt::duration retry_limit = std::chrono::seconds(10);  ///< how long a call waits for an overloaded server in all
  double retry_jitter = 1;                              ///< each wait is d to d * (1 + retry_jitter)
  rt::duration token_age = std::chrono::seconds(60);    ///< the token file is read again after so long
  std::size_t answer_bytes = 256u << 20;
  std::string user_agent = "atrium";
};

struct list_options {
  std::string label_selector, field_selector;
  unsigned limit = 500;          ///< objects a page; 0: all at once
  std::string resource_version;  ///< "": the newest (quorum); "0": whatever the server's cache has
};

/// What a list gave. `items` is a JSON array.
struct object_list {
  object_list();
  object_list(object_list&&) noexcept;
  object_list& operator=(object_list&&) noexcept;
  ~object_list();
  std::unique_ptr<boost::json::array> items;
  std::string resource_version, continue_token;
};

struct watch_options {
  std::string label_selector, field_selector, resource_version;
  std::chrono::seconds timeout{300};
};

/// An open watch. Destroying it closes its connection.
class watch_stream {
 public:
  virtual ~watch_stream() = default;
  /// The next event (bookmarks and errors too); nullopt when the server ended the watch. @errors disconnected, invalid
  virtual rt::task<std::optional<watch_event>> next() = 0;
};

enum class patch_type : std::uint8_t { json, merge, strategic };

struct delete_options {
  std::optional<std::chrono::seconds> grace;  ///< unset: the object's own
  std::string uid, resource_version;          ///< preconditions, when not empty
};

struct log_options {
  std::string container;
  bool follow = false, previous = false, timestamps = false;
  std::optional<unsigned> tail_lines, limit_bytes;
  std::optional<std::chrono::seconds> since;
};

struct exec_options {
  std::vector<std::string> command;
  std::string container;
  bool standard_input = false, terminal = false;
};

/// How a command in a container ended.
struct exec_result {
  int exit_code = 0;
  std::string message;  ///< why it could not be run, when it could not (peer text)
};

/// A command that runs in a container.
class exec_session {
 public:
  virtual ~exec_session() = default;
  struct output {
    bool standard_error;
    std::string data;
  };
  /// The next piece of output; nullopt when the command has ended (then result() is there).
  virtual rt::task<std::optional<output>> receive() = 0;
  virtual rt::task<void> send(std::span<const std::byte> input) = 0;
  /// Ends standard input. @errors unimplemented when the server speaks only v4.channel.k8s.io
  virtual rt::task<void> close_input() = 0;
  virtual rt::task<void> resize(unsigned columns, unsigned rows) = 0;
  virtual const std::optional<exec_result>& result() const noexcept = 0;
  virtual void abort() noexcept = 0;
};

class client {
 public:
  explicit client(config, client_options = {});
  ~client();  ///< no call and no stream may be alive
  client(const client&) = delete;

  const config& configuration() const noexcept;

  rt::task<boost::json::value> get(const resource&, std::string ns, std::string name);
  /// One page; the next one by its continue token. @errors code_gone when the token is too old
  rt::task<object_list> list_page(const resource&, std::string ns, list_options = {}, std::string continue_token = {});
  /// All pages. An expired continue token starts over (once without pages).
  rt::task<object_list> list(const resource&, std::string ns, list_options = {});
  /// apiVersion and kind are filled in when absent. @errors conflict with code_exists
  rt::task<boost::json::value> create(const resource&, std::string ns, boost::json::value object);
  /// PUT of the whole object; metadata.resourceVersion, when there, is a precondition. @errors code_conflict
  rt::task<boost::json::value> replace(const resource&, std::string ns, std::string name, boost::json::value object,
                                       std::string subresource = {});
  rt::task<boost::json::value> patch(const resource&, std::string ns, std::string name, patch_type,
                                     boost::json::value patch, std::string subresource = {});
  /// `subresource` "status" of replace() and patch() writes the status only.
  rt::task<void> remove(const resource&, std::string ns, std::string name, delete_options = {});

  /// @errors conflict with code_gone here or as an error event
  rt::task<std::unique_ptr<watch_stream>> watch(const resource&, std::string ns, watch_options);

  /// The log as bytes; with `follow` it goes on until the container ends.
  rt::task<std::unique_ptr<net::body_reader>> logs(std::string ns, std::string pod, log_options = {});
  rt::task<std::unique_ptr<exec_session>> exec(std::string ns, std::string pod, exec_options);
  /// exec, all output collected (each stream cut at `limit` bytes).
  struct exec_output {
    exec_result result;
    std::string standard_output, standard_error;
  };
  rt::task<exec_output> run(std::string ns, std::string pod, exec_options, std::string input = {},
                            std::size_t limit = 1u << 20);

  /// Any other path of the API, answered as JSON ("/version", "/readyz" gives a string).
  rt::task<boost::json::value> raw(std::string method, std::string path_and_query, std::string body = {});

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace atrium::k8s
