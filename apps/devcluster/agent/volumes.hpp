/// @file volumes.hpp - the folders and files that a pod's volumes stand for. Layer: apps/devcluster.
#pragma once

#include <map>
#include <string>

#include "apps/devcluster/store/store.hpp"
#include "atrium/rt/io.hpp"

namespace atrium::devcluster {

struct volume_options {
  std::string projects;    ///< hostPath volumes must lie below this folder
  std::string pod_folder;  ///< emptyDir, ConfigMap and Secret volumes are made below it
  bool root = false;       ///< made folders are given to the sandboxes' user
};

struct opened_volume {
  rt::unique_fd folder;    ///< O_PATH
  bool read_only = false;  ///< a ConfigMap or a Secret: we write it anew at each start, so no link may lie in it
};

/// Opens (and where needed makes) every volume of the pod, by name. No step of a hostPath below `projects` may be a
/// symbolic link. Blocks briefly. @errors with a sentence that names the volume
result<std::map<std::string, opened_volume>> open_volumes(const object_store& store, const json::value& pod,
                                                          const volume_options& options);

/// Opens `below` under the descriptor, never leaving it (subPath of a mount); makes folders. @errors BadRequest
result<rt::unique_fd> open_below(int folder, const std::string& below, bool make, bool root);

/// Makes a folder that the sandboxes' user owns.
void make_sandbox_folder(const std::string& path, bool root);

}  // namespace atrium::devcluster
