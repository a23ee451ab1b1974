#include "atrium/asio/use_task.hpp"

#include <boost/asio/error.hpp>

namespace atrium::asio::detail {

void throw_asio_error(const boost::system::error_code& ec) {
  auto what = disposition::failed;
  if (ec == boost::asio::error::timed_out) what = disposition::timed_out;
  else if (ec == boost::asio::error::operation_aborted || ec == boost::asio::error::eof ||
           ec == boost::asio::error::connection_reset || ec == boost::asio::error::broken_pipe ||
           ec == boost::asio::error::connection_refused)
    what = disposition::disconnected;
  throw failure(error(what, "The operation did not succeed.")
                    .with_peer_text(ec.message())
                    .with_code(std::string("asio.") + ec.category().name()));
}

}  // namespace atrium::asio::detail
