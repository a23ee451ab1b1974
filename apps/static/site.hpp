/// @file site.hpp - the files of the built application, held in memory with their compressed forms. Layer: apps/static.
/// I/O-free but for load().
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "atrium/net/http.hpp"

namespace atrium::static_files {

/// `nonce` of the page in the Content-Security-Policy and in its <meta name="csp-nonce">, for styles that editors make
/// at run time.
class site {
 public:
  /// Reads every file below `root`; `x.br` and `x.gz` beside `x` are its compressed forms. @errors not_found when there
  /// is no index.html
  static site load(const std::string& root);
  void add(std::string path, std::string content);

  /// The answer to GET or HEAD of `path` ("/app/assets/x.js"): the file, or (below assets/) 404, or for any other path
  /// the page itself, so that every address inside the application can be opened and reloaded.
  net::response answer(const net::request&, std::string_view path, const std::string& nonce) const;

 private:
  struct file {
    std::string plain, brotli, gzip, etag, type;
  };
  net::response page(const std::string& nonce) const;
  std::map<std::string, file, std::less<>> files_;  // by path below /app/
};

}  // namespace atrium::static_files
