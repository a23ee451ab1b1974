/// @file settings.hpp - table server_settings: what an administrator may change while the system runs. Layer:
/// apps/store.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apps/domain/quota.hpp"
#include "atrium/pg/pool.hpp"

namespace atrium::store {

class server_settings {
 public:
  explicit server_settings(pg::pool& pool) noexcept : pool_(pool) {}

  rt::task<std::optional<std::string>> get(const std::string& name);
  rt::task<std::map<std::string, std::string>> all();
  /// @errors denied when the row is readonly (it comes from the installation's configuration)
  rt::task<void> set(const std::string& name, const std::string& value);
  /// Written from the installation's configuration at start: readonly afterwards.
  rt::task<void> set_readonly(const std::string& name, const std::string& value);
  /// Setting `default_quotas`.
  rt::task<domain::default_quotas> default_quotas();

 private:
  pg::pool& pool_;
};

}  // namespace atrium::store
