#include "errors.hpp"

#include <array>
#include <optional>
#include <span>

#include "atrium/pg/connection.hpp"

namespace atrium::pg {
namespace {

struct meaning {
  std::string_view prefix;
  disposition what;
  const char* public_text;
};

// First match wins: whole states before their classes (PostgreSQL 15, appendix A).
constexpr meaning meanings[] = {
    {"23505", disposition::conflict, "That already exists."},
    {"23P01", disposition::conflict, "That is in conflict with something that already exists."},
    {"23503", disposition::conflict, "That refers to something that does not exist, or is still referred to."},
    {"23", disposition::invalid, "The database refused a value."},
    {"22", disposition::invalid, "The database refused a value."},
    {"25P02", disposition::conflict, "An earlier statement of the transaction failed: nothing was changed."},
    {"25006", disposition::disconnected, "The database takes no changes at the moment. Try again soon."},
    {"40", disposition::conflict, "Somebody else changed the same thing at the same time. Try again."},
    {"55P03", disposition::conflict, "Somebody else is changing the same thing. Try again."},
    {"55006", disposition::conflict, "That is in use."},
    {"42501", disposition::denied, "The database role lacks a privilege. Check the grants of the role in --database."},
    {"28", disposition::denied, "The database refused the credentials. Check --database."},
    {"3D000", disposition::not_found, "The database does not exist. Create it or check --database."},
    {"P0002", disposition::not_found, "That does not exist."},
    {"42", disposition::invalid, "The database did not understand a statement."},
    {"26", disposition::conflict, "A prepared statement was lost. Try again."},
    {"54", disposition::invalid, "That is more than the database takes at once."},
    {"0A000", disposition::unimplemented, "The database cannot do that."},
    {"53100", disposition::overloaded,
     "The database's disk is full, so nothing was changed. An administrator has to make room."},
    {"53", disposition::overloaded, "The database is overloaded. Try again soon."},
    {"57014", disposition::timed_out, "The database took too long and the statement was cancelled."},
    {"57P", disposition::disconnected, "The database is restarting. Try again soon."},
    {"08", disposition::disconnected, "The connection to the database was lost. Try again soon."},
};

}  // namespace

error server_error(std::string_view sqlstate, std::string peer, std::source_location where) {
  if (sqlstate.empty()) return lost_connection(std::move(peer), where);
  for (const auto& m : meanings)
    if (sqlstate.starts_with(m.prefix))
      return error(m.what, m.public_text, where)
          .with_peer_text(std::move(peer))
          .with_code("pg." + std::string(sqlstate));
  return error(disposition::failed, "The database reported a failure.", where)
      .with_peer_text(std::move(peer))
      .with_code("pg." + std::string(sqlstate));
}

error stale_plan(std::string peer, std::source_location where) {
  return error(disposition::conflict, "The tables changed meanwhile. Try again.", where)
      .with_peer_text(std::move(peer))
      .with_code("pg.0A000");
}

error lost_connection(std::string peer, std::source_location where) {
  return error(disposition::disconnected, "The connection to the database was lost. Try again soon.", where)
      .with_peer_text(std::move(peer))
      .with_code("pg.08006");
}

error connect_error(std::string_view message, std::source_location where) {
  // "...FATAL:  53300: sorry, too many clients already": five capitals and digits between ":  " and ": ".
  for (std::size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const auto state = message.substr(at + 3, 5);
    bool plausible = state.size() == 5 && message.substr(at + 8, 1) == ":";
    for (char c : state) plausible = plausible && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'));
    if (plausible) return server_error(state, std::string(message), where);
  }
  return error(disposition::disconnected, "The database does not answer. Check that it runs and what --database says.",
               where)
      .with_peer_text(std::string(message))
      .with_code("pg.08001");
}

bool means_stale_statement(const error& e) noexcept {
  return e.code() == "pg.26000" || (e.code() == "pg.0A000" && e.disposition() == disposition::conflict);
}

bool worth_a_retry(const error& e) noexcept {
  return e.code() == "pg.40001" || e.code() == "pg.40P01" || means_stale_statement(e);
}

}  // namespace atrium::pg
