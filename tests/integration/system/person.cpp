#include "tests/integration/system/person.hpp"

#include "atrium/rt/scope.hpp"

namespace atrium::tests {

namespace json = boost::json;

rt::task<net::http_client::whole> person::request(std::string method, std::string target, net::headers more,
                                                  std::string body) {
  net::request r{.method = std::move(method), .target = std::move(target), .headers = std::move(more)};
  if (!cookie_.empty()) r.headers.add("Cookie", cookie_);
  if (!r.headers.contains("origin")) r.headers.add("Origin", "http://" + address_.authority());
  co_return co_await client_.fetch(address_, std::move(r), std::move(body));
}

rt::task<json::value> person::api(std::string path, json::value body) {
  const auto answer =
      co_await request("POST", "/api/v2/" + path, {{"Content-Type", "application/json"}}, json::serialize(body));
  boost::system::error_code ec;
  auto value = json::parse(answer.body, ec);
  if (ec) fail(disposition::failed, path + " answered " + std::to_string(answer.status) + ": " + answer.body);
  for (const auto line : answer.headers.all("set-cookie"))
    if (line.starts_with("atrium_session=")) cookie_ = line.substr(0, line.find(';'));
  co_return value;
}

rt::task<void> person::sign_up(std::string email, std::string name) {
  const auto v = co_await api("auth/sign-up", {{"email", email},
                                               {"password", "correct horse battery"},
                                               {"firstName", name},
                                               {"lastName", "Tester"},
                                               {"terms", true}});
  if (!v.as_object().contains("account_id")) fail(disposition::failed, "sign-up: " + json::serialize(v));
  account_id_ = v.at("account_id").as_string();
}

rt::task<void> person::sign_in(std::string email) {
  const auto v = co_await api("auth/sign-in", {{"email", email}, {"password", "correct horse battery"}});
  if (!v.as_object().contains("account_id")) fail(disposition::failed, "sign-in: " + json::serialize(v));
  account_id_ = v.at("account_id").as_string();
}

rt::task<std::string> person::running_project(std::string title) {
  const auto made = co_await api("projects/create", {{"title", title}});
  if (!made.as_object().contains("project_id")) fail(disposition::failed, "create: " + json::serialize(made));
  const std::string id(made.at("project_id").as_string());
  const auto started = co_await api("projects/start", {{"project_id", id}});
  if (started.as_object().contains("error")) fail(disposition::failed, "start: " + json::serialize(started));
  co_return id;
}

rt::task<std::string> person::shell(std::string project, std::string command) {
  const auto v = co_await api("exec", {{"project_id", project}, {"command", command}, {"bash", true}});
  if (!v.as_object().contains("stdout")) fail(disposition::failed, "exec: " + json::serialize(v));
  co_return std::string(v.at("stdout").as_string());
}

}  // namespace atrium::tests
