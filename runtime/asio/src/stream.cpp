#include "atrium/asio/stream.hpp"

namespace atrium::asio {

error_code to_error_code(const failure& f) noexcept {
  switch (f.disposition()) {
    case disposition::cancelled:
      return boost::asio::error::operation_aborted;
    case disposition::disconnected:
      return boost::asio::error::connection_reset;
    case disposition::timed_out:
      return boost::asio::error::timed_out;
    default:
      return boost::system::errc::make_error_code(boost::system::errc::io_error);
  }
}

rt::task<std::size_t> stream::read(std::shared_ptr<rt::socket> s, boost::asio::mutable_buffer b) {
  co_return co_await s->recv_some({static_cast<std::byte*>(b.data()), b.size()});
}

rt::task<std::size_t> stream::write(std::shared_ptr<rt::socket> s, boost::asio::const_buffer b) {
  if (b.size() == 0) co_return 0;
  co_return co_await s->send_some({static_cast<const std::byte*>(b.data()), b.size()});
}

}  // namespace atrium::asio
