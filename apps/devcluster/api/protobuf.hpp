/// @file protobuf.hpp - the kinds that kubectl 1.32 and later sends as protobuf, turned into JSON. Layer:
/// apps/devcluster, I/O-free.
///
/// `kubectl create namespace|configmap|secret` and evictions use typed clients, which prefer protobuf and do not fall
/// back. Field numbers are those of the generated.proto files of k8s.io/api. What we do not know is skipped, as
/// protobuf demands.
#pragma once

#include <string_view>

#include "apps/devcluster/store/values.hpp"

namespace atrium::devcluster {

/// True for Kubernetes' envelope ("k8s\0" and runtime.Unknown).
bool is_protobuf_object(std::string_view bytes) noexcept;

/// @errors UnsupportedMediaType (a kind that only comes as JSON), BadRequest (malformed)
result<json::value> decode_protobuf_object(std::string_view bytes);

}  // namespace atrium::devcluster
