/// @file editor.hpp - an editor as the web application is one: collab client, page, and the way back after a lost
/// connection.
#pragma once

#include "apps/project/collab/unicode.hpp"
#include "tests/integration/project/fixture.hpp"
#include "tests/unit/project/collab_client.hpp"

namespace atrium::tests {

inline json::value json_of(const project::change_set& c) {
  std::string text;
  c.append_json(text);
  return json::parse(text);
}

class editor {
 public:
  editor(std::string path, domain::account_id who, std::string name)
      : path_(std::move(path)), who_(who), name_(std::move(name)) {}

  /// For the first time, or again: then what came meanwhile is taken over.
  rt::task<void> connect(const project_server& server) {
    page = co_await browser::connect(server, who_, name_);
    json::object p{{"path", path_}};
    if (client) p["since"] = client->version(), p["epoch"] = epoch;
    const auto answer = co_await page->call("document.open", std::move(p));
    const bool known = client && text_of(answer.at("epoch")) == epoch;
    epoch = text_of(answer.at("epoch"));
    if (answer.as_object().contains("text")) {
      EXPECT_FALSE(known) << "the history was there";
      client.emplace(name_, project::utf8_to_utf16(text_of(answer.at("text"))).value(),
                     answer.at("version").to_number<std::uint64_t>());
    } else {
      for (const auto& u : answer.at("updates").as_array()) take(u);
    }
  }
  /// Takes what has come over the socket.
  void take_events() {
    std::erase_if(page->events, [&](const json::object& e) {
      if (e.at("event").as_string() != "document.updates") return false;
      auto version = e.at("version").to_number<std::uint64_t>();
      EXPECT_LE(version, client->version()) << "updates are missing";
      for (const auto& u : e.at("updates").as_array())
        if (version++ == client->version()) take(u);
      return true;
    });
  }
  /// Offers what is unconfirmed, and takes what came until the answer.
  rt::task<void> offer() {
    json::array updates;
    for (const auto& u : client->unconfirmed())
      updates.push_back(json::object{{"clientID", u.client_id}, {"id", u.id}, {"changes", json_of(u.changes)}});
    co_await page->call(
        "document.push",
        {{"path", path_}, {"epoch", epoch}, {"version", client->version()}, {"updates", std::move(updates)}});
    take_events();
  }
  /// Takes what is there already, then offers.
  rt::task<void> push() {
    co_await page->call("ping");
    take_events();
    if (!client->unconfirmed().empty()) co_await offer();
  }
  /// Until everything of ours is confirmed.
  rt::task<void> flush() {
    while (!client->unconfirmed().empty()) co_await push();
  }

  std::unique_ptr<browser> page;
  std::optional<collab_client> client;
  std::string epoch;

 private:
  void take(const json::value& u) {
    client->receive(text_of(u.at("clientID")), project::change_set::parse(u.at("changes")).value());
  }
  std::string path_;
  domain::account_id who_;
  std::string name_;
};

}  // namespace atrium::tests
