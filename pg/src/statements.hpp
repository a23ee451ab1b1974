/// @file statements.hpp - which texts a session has prepared under which names. I/O-free. Layer: pg.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "atrium/base/error.hpp"

namespace atrium::pg {

struct prepared {
  std::string name;
  std::optional<error> failed;  ///< why the server would not prepare it
};

/// Least recently used goes first. Names are never used twice in a session, so a late answer cannot be taken for
/// another's.
class statement_cache {
 public:
  explicit statement_cache(std::size_t capacity) : capacity_(capacity < 1 ? 1 : capacity) {}

  std::shared_ptr<prepared> find(std::string_view sql) {
    const auto at = by_text_.find(sql);
    if (at == by_text_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return at->second->statement;
  }

  /// Adds a text that find() did not know; what has to go for it is in take_dropped().
  std::shared_ptr<prepared> add(std::string_view sql) {
    while (by_text_.size() >= capacity_) drop(std::prev(order_.end()), true);
    order_.push_front({std::string(sql), std::make_shared<prepared>("atrium_" + std::to_string(++last_number_))});
    by_text_.emplace(order_.front().sql, order_.begin());
    return order_.front().statement;
  }

  /// Forgets a text; with `on_server` the server has it and must drop it.
  void remove(std::string_view sql, bool on_server) {
    if (const auto at = by_text_.find(sql); at != by_text_.end()) drop(at->second, on_server);
  }

  /// The server has lost them all.
  void clear() {
    by_text_.clear();
    order_.clear();
    dropped_.clear();
  }

  /// Names that the server should drop.
  std::vector<std::string> take_dropped() { return std::exchange(dropped_, {}); }
  std::size_t size() const noexcept { return by_text_.size(); }

 private:
  struct entry {
    std::string sql;
    std::shared_ptr<prepared> statement;
  };
  using place = std::list<entry>::iterator;
  void drop(place at, bool on_server) {
    if (on_server) dropped_.push_back(at->statement->name);
    by_text_.erase(at->sql);
    order_.erase(at);
  }

  std::size_t capacity_;
  std::uint64_t last_number_ = 0;
  std::list<entry> order_;
  std::unordered_map<std::string_view, place> by_text_;
  std::vector<std::string> dropped_;
};

}  // namespace atrium::pg
