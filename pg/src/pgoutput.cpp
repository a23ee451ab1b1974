#include "atrium/pg/pgoutput.hpp"

#include <cstdio>
#include <cstring>

namespace atrium::pg {

std::string to_text(lsn place) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "%X/%X", static_cast<unsigned>(place >> 32), static_cast<unsigned>(place));
  return buffer;
}

const column_value* change::find(std::string_view column) const noexcept {
  const auto& values = op == operation::remove ? old_row : row;
  for (std::size_t i = 0; i < values.size() && i < table->columns.size(); ++i)
    if (table->columns[i].name == column) return &values[i];
  return nullptr;
}

namespace pgoutput {
namespace {

struct malformed {
  const char* why;
};

/// Reads big-endian fields; every step checks that the bytes are there. Throws `malformed`, caught in decode().
class reader {
 public:
  explicit reader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <class T>
  T number() {
    std::uint64_t value = 0;
    for (const std::byte b : take(sizeof(T))) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return static_cast<T>(value);
  }
  char letter() { return static_cast<char>(number<std::uint8_t>()); }
  std::string text(std::size_t length) {
    const auto bytes = take(length);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string terminated() {
    const void* end = left_.empty() ? nullptr : std::memchr(left_.data(), 0, left_.size());
    if (!end) throw malformed{"a string without its end"};
    auto out = text(static_cast<std::size_t>(static_cast<const std::byte*>(end) - left_.data()));
    take(1);
    return out;
  }
  wall_time time() {
    // Microseconds since 2000-01-01; unsigned arithmetic, because the bytes may say anything.
    constexpr std::uint64_t epoch = 946'684'800'000'000;
    return wall_time(std::chrono::microseconds(static_cast<std::int64_t>(number<std::uint64_t>() + epoch)));
  }
  std::size_t size() const noexcept { return left_.size(); }
  void finish() const {
    if (!left_.empty()) throw malformed{"bytes after the end"};
  }
  void skip_rest() { left_ = {}; }

 private:
  std::span<const std::byte> take(std::size_t n) {
    if (n > left_.size()) throw malformed{"cut short"};
    const auto out = left_.first(n);
    left_ = left_.subspan(n);
    return out;
  }
  std::span<const std::byte> left_;
};

std::vector<column_value> read_tuple(reader& in, const relation& table) {
  const std::size_t count = in.number<std::uint16_t>();
  if (count != table.columns.size()) throw malformed{"a row with another number of columns than its table"};
  if (count > in.size()) throw malformed{"cut short"};
  std::vector<column_value> out(count);
  for (auto& value : out) {
    switch (in.letter()) {
      case 'n':
        break;
      case 'u':
        value.unchanged = true;
        break;
      case 't':
        value.text = in.text(in.number<std::uint32_t>());
        break;
      default:
        throw malformed{"an unknown kind of column value"};
    }
  }
  return out;
}

std::shared_ptr<const relation> read_relation(reader& in) {
  auto r = std::make_shared<relation>();
  r->id = in.number<std::uint32_t>();
  r->schema = in.terminated();
  if (r->schema.empty()) r->schema = "pg_catalog";
  r->name = in.terminated();
  in.letter();  // replica identity
  const std::size_t count = in.number<std::uint16_t>();
  if (count > in.size()) throw malformed{"cut short"};
  r->columns.resize(count);
  for (auto& c : r->columns) {
    c.key = (in.number<std::uint8_t>() & 1) != 0;
    c.name = in.terminated();
    c.type = in.number<std::uint32_t>();
    in.number<std::uint32_t>();  // type modifier
  }
  return r;
}

using relations = std::map<std::uint32_t, std::shared_ptr<const relation>>;

std::shared_ptr<const relation> find_table(const relations& all, std::uint32_t id) {
  const auto at = all.find(id);
  if (at == all.end()) throw malformed{"a table that was not described"};
  return at->second;
}

change read_change(reader& in, char kind, const relations& all) {
  change c;
  c.table = find_table(all, in.number<std::uint32_t>());
  char part = in.letter();
  if (kind != 'I' && (part == 'K' || part == 'O')) {
    c.old_row = read_tuple(in, *c.table);
    if (kind == 'D') {
      c.op = change::operation::remove;
      return c;
    }
    part = in.letter();
  }
  if (kind == 'D' || part != 'N') throw malformed{"an unknown part of a row"};
  c.op = kind == 'I' ? change::operation::insert : change::operation::update;
  c.row = read_tuple(in, *c.table);
  return c;
}

std::vector<change> read_truncate(reader& in, const relations& all) {
  const std::size_t count = in.number<std::uint32_t>();
  in.letter();  // options
  if (count > in.size() / 4) throw malformed{"cut short"};
  std::vector<change> out(count);
  for (auto& c : out) {
    c.op = change::operation::truncate;
    c.table = find_table(all, in.number<std::uint32_t>());
  }
  return out;
}

}  // namespace

result<message> decoder::decode(std::span<const std::byte> bytes) {
  reader in(bytes);
  try {
    const char kind = in.letter();
    message out = other{kind};
    switch (kind) {
      case 'B': {
        begin b;
        b.final_lsn = in.number<std::uint64_t>();
        b.commit_time = in.time();
        b.transaction = in.number<std::uint32_t>();
        out = b;
        break;
      }
      case 'C': {
        commit c;
        in.letter();  // flags
        c.commit_lsn = in.number<std::uint64_t>();
        c.end_lsn = in.number<std::uint64_t>();
        c.commit_time = in.time();
        out = c;
        break;
      }
      case 'R': {
        auto r = read_relation(in);
        in.finish();
        relations_[r->id] = std::move(r);
        break;
      }
      case 'I':
      case 'U':
      case 'D':
        out = read_change(in, kind, relations_);
        break;
      case 'T':
        out = read_truncate(in, relations_);
        break;
      case 'O':
      case 'Y':
      case 'M':
        in.skip_rest();
        break;
      default:
        throw malformed{"an unknown kind of message"};
    }
    in.finish();
    return out;
  } catch (const malformed& m) {
    return error(disposition::invalid, "The database sent a change that cannot be read.")
        .with_peer_text(m.why)
        .with_code("pg.pgoutput");
  }
}

}  // namespace pgoutput
}  // namespace atrium::pg
