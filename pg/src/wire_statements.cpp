// Statements over libpq: what sessions ask of a transport.
#include "errors.hpp"
#include "wire.hpp"

namespace atrium::pg {
namespace {

class libpq_rows final : public rows::impl {
 public:
  explicit libpq_rows(result_ptr r) noexcept : result_(std::move(r)) {}
  std::size_t size() const noexcept override { return static_cast<std::size_t>(PQntuples(result_.get())); }
  std::uint64_t affected() const noexcept override {
    const std::string_view text = PQcmdTuples(result_.get());
    std::uint64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  }
  std::size_t columns() const noexcept override { return static_cast<std::size_t>(PQnfields(result_.get())); }
  std::string_view column_name(std::size_t column) const noexcept override {
    const char* name = PQfname(result_.get(), static_cast<int>(column));
    return name ? name : "";
  }
  std::optional<std::string_view> cell(std::size_t row, std::size_t column) const noexcept override {
    const int r = static_cast<int>(row), c = static_cast<int>(column);
    if (PQgetisnull(result_.get(), r, c)) return std::nullopt;
    return std::string_view(PQgetvalue(result_.get(), r, c),
                            static_cast<std::size_t>(PQgetlength(result_.get(), r, c)));
  }

 private:
  result_ptr result_;
};

}  // namespace

rt::task<std::unique_ptr<transport>> connect_libpq(std::string conninfo, rt::duration limit) {
  auto w = co_await wire::connect(std::move(conninfo), {}, limit);
  auto reports = [c = w->get()](const char* name) {
    const char* value = PQparameterStatus(c, name);
    return std::string_view(value ? value : "");
  };
  std::string setup;
  if (reports("TimeZone") != "UTC" && reports("TimeZone") != "Etc/UTC") setup += "SET TimeZone TO 'UTC';";
  if (!reports("DateStyle").starts_with("ISO")) setup += "SET DateStyle TO 'ISO';";
  if (reports("standard_conforming_strings") != "on") setup += "SET standard_conforming_strings TO on;";
  if (!setup.empty()) co_await rt::with_timeout(limit, w->simple_query(setup));
  co_return w;
}

void wire::enter_pipeline() {
  if (PQpipelineStatus(connection_) == PQ_PIPELINE_OFF && !PQenterPipelineMode(connection_)) lost();
}

void wire::send_prepare(const std::string& name, const std::string& sql) {
  enter_pipeline();
  if (!PQsendPrepare(connection_, name.c_str(), sql.c_str(), 0, nullptr)) lost();
}

void wire::send_execute(const std::string& name, const parameters& all) {
  enter_pipeline();
  std::vector<const char*> values;
  values.reserve(all.size());
  for (const auto& p : all) values.push_back(p.text() ? p.text()->c_str() : nullptr);
  if (!PQsendQueryPrepared(connection_, name.c_str(), int(values.size()), values.data(), nullptr, nullptr, 0)) lost();
}

void wire::send_once(const std::string& sql) {
  enter_pipeline();
  if (!PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)) lost();
}

void wire::send_sync() {
  if (!PQpipelineSync(connection_)) lost();
}

answer wire::take() {
  auto r = take_result();
  answer a;
  if (!r) return a;
  switch (PQresultStatus(r.get())) {
    case PGRES_PIPELINE_SYNC:
      a.what = answer::kind::sync;
      return a;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      a.what = answer::kind::done;
      a.rolled_back = std::string_view(PQcmdStatus(r.get())) == "ROLLBACK";
      a.rows = std::make_shared<const libpq_rows>(std::move(r));
      return a;
    case PGRES_PIPELINE_ABORTED:
      a.what = answer::kind::aborted;
      return a;
    case PGRES_FATAL_ERROR:
      a.what = answer::kind::failed;
      a.problem = result_error(r.get());
      return a;
    default:  // COPY is refused by libpq in pipeline mode before it starts
      a.what = answer::kind::unsupported;
      return a;
  }
}

rt::task<void> wire::script(std::string sql) {
  if (PQpipelineStatus(connection_) != PQ_PIPELINE_OFF && !PQexitPipelineMode(connection_)) lost();
  co_await simple_query(std::move(sql));
}

transaction_status wire::transaction() const noexcept {
  switch (PQtransactionStatus(connection_)) {
    case PQTRANS_IDLE:
      return transaction_status::idle;
    case PQTRANS_INTRANS:
      return transaction_status::open;
    case PQTRANS_INERROR:
      return transaction_status::failed;
    default:
      return transaction_status::unknown;
  }
}

}  // namespace atrium::pg
