#include "session.hpp"

namespace atrium::pg {

std::size_t rows::size() const noexcept { return impl_ ? static_cast<std::size_t>(PQntuples(impl_->result.get())) : 0; }

std::uint64_t rows::affected() const noexcept {
  if (!impl_) return 0;
  const std::string_view text = PQcmdTuples(const_cast<PGresult*>(impl_->result.get()));
  std::uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

std::size_t rows::columns() const noexcept {
  return impl_ ? static_cast<std::size_t>(PQnfields(impl_->result.get())) : 0;
}

std::string_view rows::column_name(std::size_t column) const noexcept {
  const char* name = impl_ ? PQfname(impl_->result.get(), static_cast<int>(column)) : nullptr;
  return name ? name : "";
}

rows::row rows::operator[](std::size_t index) const {
  ATRIUM_ASSERT(index < size(), "a row is read that the result has");
  return row(impl_, index);
}

rows::row rows::one() const {
  if (size() == 1) return row(impl_, 0);
  throw failure(error(disposition::not_found, "That does not exist.")
                    .with_peer_text("expected one row, got " + std::to_string(size())));
}

std::optional<rows::row> rows::maybe() const {
  if (empty()) return std::nullopt;
  return row(impl_, 0);
}

rows::iterator rows::begin() const { return iterator(impl_, 0); }
rows::iterator rows::end() const { return iterator(impl_, size()); }

std::optional<std::string_view> rows::row::raw(std::size_t column) const {
  const PGresult* r = impl_->result.get();
  const int row = static_cast<int>(index_), col = static_cast<int>(column);
  ATRIUM_ASSERT(column < static_cast<std::size_t>(PQnfields(r)), "a column is read that the statement gives");
  if (PQgetisnull(r, row, col)) return std::nullopt;
  return std::string_view(PQgetvalue(r, row, col), static_cast<std::size_t>(PQgetlength(r, row, col)));
}

std::size_t rows::row::position(std::string_view column) const {
  const PGresult* r = impl_->result.get();
  for (int i = 0, n = PQnfields(r); i < n; ++i)
    if (column == PQfname(r, i)) return static_cast<std::size_t>(i);
  ATRIUM_ASSERT(false, "a column is read that the statement gives");
  return 0;
}

std::string_view rows::row::name_of(std::size_t column) const noexcept {
  const char* name = PQfname(impl_->result.get(), static_cast<int>(column));
  return name ? name : "";
}

}  // namespace atrium::pg
