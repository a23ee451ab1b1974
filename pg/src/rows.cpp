#include "atrium/pg/transport.hpp"

namespace atrium::pg {

std::size_t rows::size() const noexcept { return impl_ ? impl_->size() : 0; }
std::uint64_t rows::affected() const noexcept { return impl_ ? impl_->affected() : 0; }
std::size_t rows::columns() const noexcept { return impl_ ? impl_->columns() : 0; }
std::string_view rows::column_name(std::size_t column) const noexcept {
  return impl_ ? impl_->column_name(column) : std::string_view();
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
  ATRIUM_ASSERT(column < impl_->columns(), "a column is read that the statement gives");
  return impl_->cell(index_, column);
}

std::size_t rows::row::position(std::string_view column) const {
  for (std::size_t i = 0, n = impl_->columns(); i < n; ++i)
    if (column == impl_->column_name(i)) return i;
  ATRIUM_ASSERT(false, "a column is read that the statement gives");
  return 0;
}

std::string_view rows::row::name_of(std::size_t column) const noexcept { return impl_->column_name(column); }

}  // namespace atrium::pg
