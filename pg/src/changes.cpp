#include "atrium/pg/changes.hpp"

#include <unistd.h>

#include <random>

#include "atrium/base/log.hpp"
#include "atrium/base/metrics.hpp"
#include "errors.hpp"
#include "reconnect.hpp"
#include "wire.hpp"

namespace atrium::pg {
namespace {

struct change_metrics {
  metrics::counter& changes =
      metrics::get_counter("atrium_pg_changes_received_total", "Row changes received by logical replication");
  metrics::counter& failures = metrics::get_counter("atrium_pg_changes_failures_total",
                                                    "Times that the change stream was lost or could not be opened");
  metrics::gauge& connected = metrics::get_gauge("atrium_pg_changes_connected", "Change streams that are open");
};
change_metrics& numbers() {
  static change_metrics m;
  return m;
}

void put(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint64_t get(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (const std::byte b : bytes.subspan(at, 8)) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return value;
}

std::string slot_name() {
  std::random_device random;
  char name[64];
  std::snprintf(name, sizeof name, "atrium_%d_%08x%08x", int(getpid()), unsigned(random()), unsigned(random()));
  return name;
}

[[noreturn]] void malformed(const char* why) {
  throw failure(error(disposition::disconnected, "The database sent a change that cannot be read.")
                    .with_peer_text(why)
                    .with_code("pg.pgoutput"));
}

class reader final : public change_source {
 public:
  explicit reader(change_reader_options options) : options_(std::move(options)) {}
  ~reader() override { close(); }
  bool connected() const noexcept override { return wire_ != nullptr; }

  rt::task<change_batch> next() override {
    for (;;) {
      std::optional<error> failed;
      try {
        if (!wire_) {
          co_await open();
          change_batch first;
          first.resync = true;
          co_return first;
        }
        co_return co_await read();
      } catch (const failure& f) {
        if (f.disposition() == disposition::cancelled) throw;
        failed = f.error();
      }
      close();
      numbers().failures.add();
      if (!pause_.failing())
        log::warn("change stream lost", {{"publication", options_.publication}, {"error", *failed}});
      pause_.failed();
    }
  }

 private:
  void close() noexcept {
    if (wire_) numbers().connected.add(-1);
    wire_.reset();
    batch_ = {};
    batch_bytes_ = 0;
    in_transaction_ = reply_wanted_ = false;
    confirmed_ = 0;
    decoder_ = {};
  }

  rt::task<void> open() {
    co_await pause_.wait();
    auto fresh = co_await wire::connect(options_.conninfo, {{"replication", "database"}}, std::chrono::seconds(10));
    const std::string slot = slot_name();
    // The slot becomes consistent when transactions that run now have ended, so this may wait for a slow one.
    co_await rt::with_timeout(
        std::chrono::seconds(60),
        fresh->simple_query("CREATE_REPLICATION_SLOT " + slot + " TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"));
    std::string names;
    for (char c : quote_identifier(options_.publication)) names += c == '\'' ? "''" : std::string(1, c);
    const auto started = co_await rt::with_timeout(
        std::chrono::seconds(10),
        fresh->simple_query("START_REPLICATION SLOT " + slot + " LOGICAL 0/0 (proto_version '1', publication_names '" +
                            names + "')"));
    if (PQresultStatus(started.get()) != PGRES_COPY_BOTH) malformed("START_REPLICATION did not start");
    log::info("change stream open", {{"publication", options_.publication}, {"slot", slot}});
    pause_.succeeded();
    wire_ = std::move(fresh);
    last_heard_ = last_status_ = rt::clock::now();
    numbers().connected.add();
  }

  rt::task<change_batch> read() {
    for (;;) {
      char* raw = nullptr;
      const int size = PQgetCopyData(wire_->get(), &raw, 1);
      const std::unique_ptr<char, decltype(&PQfreemem)> held(raw, PQfreemem);
      if (size == -2) wire_->lost();
      if (size == -1) co_await ended();
      if (size > 0) last_heard_ = rt::clock::now();
      if (size > 0 && take({reinterpret_cast<const std::byte*>(raw), static_cast<std::size_t>(size)})) {
        batch_bytes_ = 0;
        change_batch out{false, std::exchange(batch_.changes, {}), batch_.commit, batch_.commit_time,
                         batch_.transaction};
        co_return out;
      }
      const auto now = rt::clock::now();
      if (reply_wanted_ || now - last_status_ >= options_.status_interval) co_await send_status(now);
      if (size == 0) co_await wait();
    }
  }

  /// The server ended the stream: its reason is the next result.
  rt::task<void> ended() {
    const auto r = co_await wire_->next_result();
    if (r && PQresultStatus(r.get()) == PGRES_FATAL_ERROR) throw failure(result_error(r.get()));
    throw failure(lost_connection("the server ended the change stream"));
  }

  rt::task<void> wait() { co_await rt::in_time(options_.status_interval, wire_->receive()); }

  rt::task<void> send_status(rt::time_point now) {
    if (now - last_heard_ > 3 * options_.status_interval + std::chrono::seconds(5))
      throw failure(lost_connection("the server is silent"));
    std::string status = "r";
    for (int i = 0; i < 3; ++i) put(status, confirmed_);
    const auto since_2000 = std::chrono::system_clock::now() - std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
    put(status, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since_2000).count()));
    status += static_cast<char>(now - last_heard_ >= options_.status_interval);  // silent: ask for an answer
    if (PQputCopyData(wire_->get(), status.data(), static_cast<int>(status.size())) != 1) wire_->lost();
    reply_wanted_ = false;
    last_status_ = now;
    co_await wire_->flush();
  }

  /// One message of the stream. True when batch_ should be handed out.
  bool take(std::span<const std::byte> bytes) {
    switch (std::to_integer<char>(bytes[0])) {
      case 'k':
        if (bytes.size() != 18) malformed("a keepalive of an unknown size");
        if (!in_transaction_) confirmed_ = std::max(confirmed_, get(bytes, 1));
        reply_wanted_ = bytes[17] != std::byte{0};
        return false;
      case 'w':
        break;
      default:
        malformed("an unknown kind of stream message");
    }
    if (bytes.size() < 25) malformed("a stream message cut short");
    const auto payload = bytes.subspan(25);
    auto decoded = decoder_.decode(payload);
    if (!decoded) malformed(decoded.error().peer_text().c_str());
    if (auto* b = std::get_if<pgoutput::begin>(&*decoded)) {
      in_transaction_ = true;
      batch_.commit = b->final_lsn;
      batch_.commit_time = b->commit_time;
      batch_.transaction = b->transaction;
    } else if (auto* c = std::get_if<pgoutput::commit>(&*decoded)) {
      in_transaction_ = false;
      confirmed_ = std::max(confirmed_, c->end_lsn);
      return !batch_.changes.empty();
    } else if (auto* one = std::get_if<change>(&*decoded)) {
      batch_.changes.push_back(std::move(*one));
      numbers().changes.add();
    } else if (auto* several = std::get_if<std::vector<change>>(&*decoded)) {
      for (auto& t : *several) batch_.changes.push_back(std::move(t));
    }
    batch_bytes_ += payload.size();
    // Only committed transactions are sent, so a part of one may be handed out before its end has arrived.
    return !batch_.changes.empty() &&
           (batch_.changes.size() >= options_.batch_changes || batch_bytes_ >= options_.batch_bytes);
  }

  change_reader_options options_;
  std::unique_ptr<wire> wire_;
  pgoutput::decoder decoder_;
  change_batch batch_;
  std::size_t batch_bytes_ = 0;
  lsn confirmed_ = 0;
  bool in_transaction_ = false, reply_wanted_ = false;
  rt::time_point last_heard_{}, last_status_{};
  reconnect pause_;
};

}  // namespace

std::unique_ptr<change_source> read_changes(change_reader_options options) {
  return std::make_unique<reader>(std::move(options));
}

}  // namespace atrium::pg
