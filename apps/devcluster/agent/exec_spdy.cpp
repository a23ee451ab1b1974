#include "apps/devcluster/agent/exec.hpp"
#include "apps/devcluster/agent/spdy.hpp"
#include "atrium/rt/sync.hpp"

namespace atrium::devcluster {

namespace {

constexpr std::size_t most_early = 64;  // frames of data that may come before all streams are open

class spdy_transport final : public exec_transport {
 public:
  explicit spdy_transport(net::exchange::upgraded raw) : stream_(std::move(raw.stream)) { codec_.feed(raw.buffered); }

  /// Waits until the client has opened the streams that it needs.
  rt::task<void> open_streams(std::size_t wanted) {
    while (streams_.size() < wanted) {
      auto f = co_await next_frame();
      if (!f) fail(disposition::disconnected, "The client left before it opened its streams.");
      if (f->what != spdy::frame::kind::data) continue;
      if (early_.size() == most_early)
        fail(disposition::invalid, "The client sends data on streams that it never opens.");
      early_.push_back(std::move(*f));
    }
  }

  rt::task<std::optional<message>> receive() override {
    while (true) {
      std::optional<spdy::frame> f;
      if (!early_.empty()) {
        f = std::move(early_.front());
        early_.pop_front();
      } else {
        f = co_await next_frame();
      }
      if (!f || f->what == spdy::frame::kind::go_away) co_return std::nullopt;
      if (f->what != spdy::frame::kind::data && f->what != spdy::frame::kind::reset) continue;
      for (const auto& [on, id] : streams_)
        if (id == f->stream && (on == channel::input || on == channel::resize))
          co_return message{on, std::move(f->data), f->fin || f->what == spdy::frame::kind::reset};
    }
  }

  rt::task<void> send(channel on, std::span<const std::byte> bytes) override {
    const auto at = streams_.find(on);
    if (at == streams_.end()) co_return;  // the client did not ask for it
    co_await write(codec_.data(at->second, rt::as_text(bytes), false));
  }

  rt::task<void> finish(std::string status) override {
    std::string last;
    for (const auto on : {channel::output, channel::errors})
      if (const auto at = streams_.find(on); at != streams_.end()) last += codec_.data(at->second, "", true);
    if (const auto at = streams_.find(channel::status); at != streams_.end())
      last += codec_.data(at->second, status, true);
    co_await write(std::move(last));
    co_await stream_->shutdown_send();
  }

 private:
  rt::task<void> write(std::string bytes) {
    const auto guard = co_await writing_.lock();
    co_await stream_->write_all(rt::as_bytes(bytes));
  }

  /// The next frame after what this layer answers itself.
  rt::task<std::optional<spdy::frame>> next_frame() {
    while (true) {
      auto f = codec_.next();
      if (!f) throw failure(f.error());
      if (!*f) {
        std::vector<std::byte> buffer(16u << 10);
        const auto n = co_await stream_->read_some(buffer);
        if (n == 0) co_return std::nullopt;
        codec_.feed(rt::as_text(std::span<const std::byte>(buffer).first(n)));
        continue;
      }
      if ((*f)->what == spdy::frame::kind::open) {
        static constexpr std::pair<std::string_view, channel> names[] = {{"stdin", channel::input},
                                                                         {"stdout", channel::output},
                                                                         {"stderr", channel::errors},
                                                                         {"error", channel::status},
                                                                         {"resize", channel::resize}};
        for (const auto& [header, value] : (*f)->headers)
          for (const auto& [name, on] : names)
            if (net::equal_nocase(header, "streamtype") && value == name) streams_[on] = (*f)->stream;
        co_await write(codec_.reply((*f)->stream));
      } else if ((*f)->what == spdy::frame::kind::ping && (*f)->stream % 2 == 1) {
        co_await write(codec_.ping((*f)->stream));
        continue;
      }
      co_return std::move(*f);
    }
  }

  net::stream_ptr stream_;
  spdy::codec codec_;
  std::map<channel, std::uint32_t> streams_;
  std::deque<spdy::frame> early_;
  rt::mutex writing_;
};

}  // namespace

rt::task<std::unique_ptr<exec_transport>> accept_spdy_exec(net::exchange& ex, const exec_request& request) {
  constexpr std::string_view version = "v4.channel.k8s.io";
  bool offered = false;
  for (const auto value : ex.request().headers.all("X-Stream-Protocol-Version"))
    offered = offered || value.find(version) != std::string_view::npos;
  if (!offered)
    throw failure(api_error("Forbidden",
                            "unable to upgrade: unable to negotiate protocol: client supports other versions, server "
                            "accepts [v4.channel.k8s.io]"));
  auto raw = co_await ex.upgrade(
      {{"Connection", "Upgrade"}, {"Upgrade", "SPDY/3.1"}, {"X-Stream-Protocol-Version", std::string(version)}});
  auto out = std::make_unique<spdy_transport>(std::move(raw));
  const std::size_t wanted = 1u + request.input + request.output + request.errors + request.terminal;
  co_await rt::with_timeout(std::chrono::seconds(30), out->open_streams(wanted));
  co_return out;
}

}  // namespace atrium::devcluster
