/// @file session_metrics.hpp - what sessions count. Layer: pg.
#pragma once

#include "atrium/base/metrics.hpp"

namespace atrium::pg {

struct session_metrics {
  metrics::counter& statements = metrics::get_counter("atrium_pg_statements_total", "Statements sent to PostgreSQL");
  metrics::counter& failures =
      metrics::get_counter("atrium_pg_statement_failures_total", "Statements that PostgreSQL answered with an error");
  metrics::counter& cancels =
      metrics::get_counter("atrium_pg_cancel_requests_total", "Cancel requests sent to PostgreSQL");
  metrics::counter& prepares = metrics::get_counter("atrium_pg_prepares_total", "Statements prepared");
  metrics::histogram& seconds = metrics::get_histogram("atrium_pg_statement_seconds",
                                                       "From sending a statement (or pipeline) to its last answer");
};
inline session_metrics& numbers() {
  static session_metrics m;
  return m;
}

}  // namespace atrium::pg
