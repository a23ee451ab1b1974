/// @file request.hpp - what a request asks for, read and checked. Layer: apps/devcluster, I/O-free.
#pragma once

#include "apps/devcluster/api/api.hpp"

namespace atrium::devcluster {

/// The body as JSON. @errors BadRequest, UnsupportedMediaType
result<json::value> body_of(const api_request& request);
write_options write_options_of(const api_request& request);
/// From the body (DeleteOptions) and the query. @errors BadRequest
result<delete_options> delete_options_of(const api_request& request);
/// By Content-Type. @errors UnsupportedMediaType
result<patch_kind> patch_kind_of(const api_request& request);
/// labelSelector and fieldSelector; `only_name` not empty: that one object. @errors BadRequest
result<selector> selector_of(const api_request& request, const resource_type& type, std::string_view only_name);
/// The decoded parts between slashes; one that cannot be decoded holds a control character.
std::vector<std::string> segments_of(std::string_view path);

}  // namespace atrium::devcluster
