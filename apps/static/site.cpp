#include "apps/static/site.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace atrium::static_files {

namespace fs = std::filesystem;

namespace {

std::string type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=utf-8"},
                                                                     {".js", "text/javascript; charset=utf-8"},
                                                                     {".css", "text/css; charset=utf-8"},
                                                                     {".svg", "image/svg+xml"},
                                                                     {".png", "image/png"},
                                                                     {".ico", "image/x-icon"},
                                                                     {".json", "application/json"},
                                                                     {".webmanifest", "application/manifest+json"},
                                                                     {".woff2", "font/woff2"},
                                                                     {".wasm", "application/wasm"},
                                                                     {".txt", "text/plain; charset=utf-8"}};
  for (const auto& [end, type] : types)
    if (path.ends_with(end)) return std::string(type);
  return "application/octet-stream";
}

/// FNV-1a: tells versions of a file apart; nobody gains by forging one.
std::string etag_of(std::string_view content) {
  std::uint64_t h = 14695981039346656037ull;
  for (const char c : content) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  char text[20];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(h));
  return text;
}

/// True when the client takes `coding`: named in Accept-Encoding without q=0.
bool accepts(const net::request& r, std::string_view coding) {
  for (const auto line : r.headers.all("accept-encoding")) {
    std::size_t at = line.find(coding);
    if (at == std::string_view::npos) continue;
    const auto rest = line.substr(at + coding.size(), line.find(',', at) == std::string_view::npos
                                                          ? std::string_view::npos
                                                          : line.find(',', at) - at - coding.size());
    if (rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos) return true;
  }
  return false;
}

void add_security(net::headers& h) {
  h.set("X-Content-Type-Options", "nosniff");
  h.set("Referrer-Policy", "same-origin");
  h.set("Cross-Origin-Opener-Policy", "same-origin");
  h.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

site site::load(const std::string& root) {
  site out;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(root, ignored)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    out.add(fs::relative(entry.path(), root).string(), {std::istreambuf_iterator<char>(in), {}});
  }
  if (!out.files_.contains("index.html"))
    fail(disposition::not_found,
         "There is no index.html in " + root +
             ". Build the web application (npm run build in web/) or give its folder with --root.");
  return out;
}

void site::add(std::string path, std::string content) {
  if (path.ends_with(".br")) {
    files_[path.substr(0, path.size() - 3)].brotli = std::move(content);
  } else if (path.ends_with(".gz")) {
    files_[path.substr(0, path.size() - 3)].gzip = std::move(content);
  } else {
    auto& f = files_[path];
    f.etag = etag_of(content);
    f.type = type_of(path);
    f.plain = std::move(content);
  }
}

net::response site::page(const std::string& nonce) const {
  auto r = net::response::html(200, files_.at("index.html").plain);
  const auto head = r.body.find("<head>");
  if (head != std::string::npos) r.body.insert(head + 6, "<meta name=\"csp-nonce\" content=\"" + nonce + "\">");
  r.headers.set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce +
                                               "'; img-src 'self' data: blob:; media-src 'self'; font-src 'self'; "
                                               "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
                                               "base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  r.headers.set("Cache-Control", "no-store");
  add_security(r.headers);
  return r;
}

net::response site::answer(const net::request& request, std::string_view path, const std::string& nonce) const {
  path.remove_prefix(std::min<std::size_t>(path.size(), path.starts_with("/app/") ? 5 : path.size()));
  const auto it = files_.find(path);
  if (it == files_.end() || path == "index.html") {
    if (path.starts_with("assets/"))
      return net::response::text(404, "There is no such file in this version of the application.\n");
    return page(nonce);
  }
  const auto& f = it->second;
  net::response r;
  r.headers.set("Content-Type", f.type);
  r.headers.set("ETag", f.etag);
  r.headers.set("Vary", "Accept-Encoding");
  // The build puts a hash of their content into the names below assets/.
  r.headers.set("Cache-Control", path.starts_with("assets/") ? "public, max-age=31536000, immutable"
                                                             : "public, max-age=0, must-revalidate");
  add_security(r.headers);
  if (request.headers.find("if-none-match") == std::string_view(f.etag)) {
    r.status = 304;
    return r;
  }
  if (!f.brotli.empty() && accepts(request, "br")) {
    r.headers.set("Content-Encoding", "br");
    r.body = f.brotli;
  } else if (!f.gzip.empty() && accepts(request, "gzip")) {
    r.headers.set("Content-Encoding", "gzip");
    r.body = f.gzip;
  } else {
    r.body = f.plain;
  }
  return r;
}

}  // namespace atrium::static_files
