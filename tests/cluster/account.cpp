#include "tests/cluster/account.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "atrium/net/tls.hpp"

namespace atrium::tests {

namespace json = boost::json;

namespace {

constexpr std::string_view level = "atrium-one-place";

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

json::value subject(const std::string& ns, const std::string& name) {
  return {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", ns}};
}

}  // namespace

account::account(site& s, std::string name) : site_(s), name_(std::move(name)) {
  char pattern[] = "/tmp/atrium-account-XXXXXX";
  if (!::mkdtemp(pattern)) throw failure(system_error(errno, "mkdtemp"));
  folder_ = pattern;
}

account::~account() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

rt::task<void> account::apply(json::value object) {
  co_await site_.kubectl({"-n", name_, "apply", "-f", "-"}, json::serialize(object));
}

rt::task<void> account::make() {
  co_await apply({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name_}}}});
  co_await apply({{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name_}}}});
  co_await apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
                  {"kind", "Role"},
                  {"metadata", {{"name", name_}}},
                  {"rules", json::array{{{"apiGroups", json::array{""}},
                                         {"resources", json::array{"configmaps", "pods", "pods/exec"}},
                                         {"verbs", json::array{"*"}}}}}});
  co_await allow();
  write_token(co_await token(600));
}

rt::task<void> account::allow() {
  co_await apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
                  {"kind", "RoleBinding"},
                  {"metadata", {{"name", name_}}},
                  {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name_}}},
                  {"subjects", json::array{subject(name_, name_)}}});
}

rt::task<void> account::forbid() { co_await site_.kubectl({"-n", name_, "delete", "rolebinding", name_}); }

rt::task<std::string> account::token(int seconds) {
  co_return first_line(co_await site_.kube({"token", name_, name_, std::to_string(seconds)}));
}

rt::task<std::string> account::token_bound_to(std::string secret) {
  co_await apply({{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", secret}}}});
  co_return first_line(co_await site_.kubectl({"-n", name_, "create", "token", name_, "--bound-object-kind", "Secret",
                                               "--bound-object-name", secret, "--duration", "10m"}));
}

void account::write_token(const std::string& token) {
  std::ofstream(folder_ + "/token.new") << token << "\n";
  std::filesystem::rename(folder_ + "/token.new", folder_ + "/token");
}

k8s::config account::config() const {
  auto c = site_.api().configuration();
  c.token.clear();
  c.token_file = folder_ + "/token";
  return c;
}

k8s::config account::config_of_this_token() const {
  auto c = config();
  std::ifstream(std::exchange(c.token_file, "")) >> c.token;
  return c;
}

/// No shares give a limit of no places; a request that finds the level empty is let in all the same.
rt::task<void> one_place::limit() {
  const json::value priority{
      {"apiVersion", "flowcontrol.apiserver.k8s.io/v1"},
      {"kind", "PriorityLevelConfiguration"},
      {"metadata", {{"name", level}}},
      {"spec",
       {{"type", "Limited"},
        {"limited",
         {{"nominalConcurrencyShares", 0}, {"borrowingLimitPercent", 0}, {"limitResponse", {{"type", "Reject"}}}}}}}};
  const json::value rule{{"subjects", json::array{{{"kind", "ServiceAccount"},
                                                   {"serviceAccount", {{"namespace", ns_}, {"name", account_}}}}}},
                         {"resourceRules", json::array{{{"verbs", json::array{"create"}},
                                                        {"apiGroups", json::array{""}},
                                                        {"resources", json::array{plural_}},
                                                        {"namespaces", json::array{ns_}}}}}};
  const json::value flow{
      {"apiVersion", "flowcontrol.apiserver.k8s.io/v1"},
      {"kind", "FlowSchema"},
      {"metadata", {{"name", level}}},
      {"spec",
       {{"priorityLevelConfiguration", {{"name", level}}}, {"matchingPrecedence", 10}, {"rules", json::array{rule}}}}};
  for (const auto& object : {priority, flow}) co_await site_.kubectl({"apply", "-f", "-"}, json::serialize(object));
}

rt::task<void> one_place::take() {
  co_await limit();
  const auto token = first_line(co_await site_.kubectl({"-n", ns_, "create", "token", account_}));
  const auto& there = site_.api().configuration();
  client_ = std::make_unique<net::http_client>(net::client_options{}, net::tls_context::client(there.ca_pem));
  const std::string path = "/api/v1/namespaces/" + ns_ + "/" + plural_;
  const std::string head = "POST " + path + " HTTP/1.1\r\nHost: " + there.server.authority() +
                           "\r\nAuthorization: Bearer " + token +
                           "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
  // Until one like it is refused, this one was not in the place: the API server had not heard of the limit.
  k8s::config as = there;
  as.token = token;
  k8s::client another(as, {.retry_limit = {}});
  co_await eventually(std::chrono::seconds(60), [&]() -> rt::task<void> {
    request_ = co_await client_->connect(there.server);
    co_await request_->write_all(rt::as_bytes(head));
    for (int i = 0; i < 5; ++i) {
      try {
        co_await another.raw("POST", path, "{}");
      } catch (const failure& f) {
        if (f.disposition() == disposition::overloaded) co_return;
        if (f.disposition() != disposition::invalid) throw;
      }
    }
    fail(disposition::failed, "The API server refuses nothing yet.");
  });
}

rt::task<void> one_place::give_back() {
  request_.reset();
  co_await site_.kubectl({"delete", "flowschema,prioritylevelconfiguration", std::string(level)});
}

rt::task<long> one_place::refused() {
  const auto text = co_await site_.api().raw("GET", "/metrics");
  const std::string_view all = text.as_string();
  const auto at = all.find("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"" + std::string(level));
  if (at == all.npos) co_return 0;
  co_return std::atol(std::string(all.substr(all.find("} ", at) + 2, 20)).c_str());
}

}  // namespace atrium::tests
