/// @file rules.hpp - what each kind demands of an object and fills in. Layer: apps/devcluster, I/O-free.
#pragma once

#include <string>

#include "apps/devcluster/store/kinds.hpp"
#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// Fills in what was left out, as Kubernetes does (a pod's restartPolicy, tolerations and so on), and drops nulls.
void set_defaults(const resource_type& type, json::value& object);

/// @errors Invalid, naming the field and what is wrong with it
result<void> validate(const resource_type& type, const json::value& object);

/// What an update may not change. @errors Invalid
result<void> validate_update(const resource_type& type, const json::value& before, const json::value& after);

/// RFC 1123: lower-case letters, digits and '-' ('.' too in subdomains), at most 63 (253) characters.
bool dns_label(std::string_view text) noexcept;
bool dns_subdomain(std::string_view text) noexcept;

/// "Guaranteed", "Burstable", "BestEffort"
std::string_view qos_class(const json::value& pod);

}  // namespace atrium::devcluster
