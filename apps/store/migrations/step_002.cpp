// Leaders of workers that run once: the fence that their writes carry.
#include "apps/store/migrations/steps.hpp"

namespace atrium::store {

const std::string_view step_002 = R"sql(
CREATE TABLE IF NOT EXISTS worker_leaders (
  name TEXT PRIMARY KEY,
  token BIGINT NOT NULL,
  since TIMESTAMP NOT NULL
);
)sql";

}  // namespace atrium::store
