#include "apps/devcluster/agent/spdy.hpp"

#include <zlib.h>

namespace atrium::devcluster::spdy {

namespace {

constexpr std::size_t largest_frame = 1u << 20, largest_headers = 64u << 10;

void put(std::string& out, std::uint32_t n, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
}

std::uint32_t get(std::string_view from, std::size_t at, int bytes) noexcept {
  std::uint32_t n = 0;
  for (int i = 0; i < bytes; ++i) n = n << 8 | static_cast<unsigned char>(from[at + static_cast<std::size_t>(i)]);
  return n;
}

/// The dictionary of SPDY/3, section 2.6.10.1: words with their lengths, then plain text.
const std::string& dictionary() {
  static const std::string text = [] {
    static constexpr std::string_view words[] = {"options",
                                                 "head",
                                                 "post",
                                                 "put",
                                                 "delete",
                                                 "trace",
                                                 "accept",
                                                 "accept-charset",
                                                 "accept-encoding",
                                                 "accept-language",
                                                 "accept-ranges",
                                                 "age",
                                                 "allow",
                                                 "authorization",
                                                 "cache-control",
                                                 "connection",
                                                 "content-base",
                                                 "content-encoding",
                                                 "content-language",
                                                 "content-length",
                                                 "content-location",
                                                 "content-md5",
                                                 "content-range",
                                                 "content-type",
                                                 "date",
                                                 "etag",
                                                 "expect",
                                                 "expires",
                                                 "from",
                                                 "host",
                                                 "if-match",
                                                 "if-modified-since",
                                                 "if-none-match",
                                                 "if-range",
                                                 "if-unmodified-since",
                                                 "last-modified",
                                                 "location",
                                                 "max-forwards",
                                                 "pragma",
                                                 "proxy-authenticate",
                                                 "proxy-authorization",
                                                 "range",
                                                 "referer",
                                                 "retry-after",
                                                 "server",
                                                 "te",
                                                 "trailer",
                                                 "transfer-encoding",
                                                 "upgrade",
                                                 "user-agent",
                                                 "vary",
                                                 "via",
                                                 "warning",
                                                 "www-authenticate",
                                                 "method",
                                                 "get",
                                                 "status",
                                                 "200 OK",
                                                 "version",
                                                 "HTTP/1.1",
                                                 "url",
                                                 "public",
                                                 "set-cookie",
                                                 "keep-alive",
                                                 "origin"};
    std::string out;
    for (const auto word : words) {
      put(out, static_cast<std::uint32_t>(word.size()), 4);
      out += word;
    }
    out +=
        "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
        "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 "
        "Forbidden404 Not Found"
        "500 Internal Server Error501 Not Implemented503 Service Unavailable"
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
        "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/"
        "javascript,public"
        "privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
    return out;
  }();
  return text;
}

Bytef* bytes_of(std::string_view text) noexcept { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

error broken(const char* what) {
  return error(disposition::invalid, std::string("The SPDY connection is broken: ") + what + ".");
}

std::string control(std::uint32_t type, std::uint32_t flags, std::string_view body) {
  std::string out;
  put(out, 0x80030000u | type, 4);
  put(out, flags << 24 | static_cast<std::uint32_t>(body.size()), 4);
  out += body;
  return out;
}

}  // namespace

struct codec::zlib {
  z_stream in{}, out{};
};

codec::codec() : zlib_(std::make_unique<zlib>()) {
  ATRIUM_ASSERT(::inflateInit(&zlib_->in) == Z_OK && ::deflateInit(&zlib_->out, Z_BEST_SPEED) == Z_OK, "zlib starts");
  ::deflateSetDictionary(&zlib_->out, bytes_of(dictionary()), static_cast<uInt>(dictionary().size()));
}

codec::~codec() {
  ::inflateEnd(&zlib_->in);
  ::deflateEnd(&zlib_->out);
}

result<header_map> codec::inflate_headers(std::string_view block) {
  std::string plain(largest_headers, '\0');
  auto& z = zlib_->in;
  z.next_in = bytes_of(block);
  z.avail_in = static_cast<uInt>(block.size());
  z.next_out = bytes_of(plain);
  z.avail_out = static_cast<uInt>(plain.size());
  int status = ::inflate(&z, Z_SYNC_FLUSH);
  if (status == Z_NEED_DICT) {
    if (::inflateSetDictionary(&z, bytes_of(dictionary()), static_cast<uInt>(dictionary().size())) != Z_OK)
      return broken("another dictionary");
    status = ::inflate(&z, Z_SYNC_FLUSH);
  }
  if ((status != Z_OK && status != Z_BUF_ERROR) || z.avail_in != 0)
    return broken("headers that cannot be decompressed");
  plain.resize(plain.size() - z.avail_out);

  header_map headers;
  std::size_t at = 0;
  const auto text = [&](std::string& into) {
    if (plain.size() - at < 4) return false;
    const std::size_t size = get(plain, at, 4);
    at += 4;
    if (size > plain.size() - at) return false;
    into = plain.substr(at, size);
    at += size;
    return true;
  };
  if (plain.size() < 4) return broken("a header block without a count");
  const auto count = get(plain, 0, 4);
  at = 4;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name, value;
    if (!text(name) || !text(value)) return broken("a header block that is cut");
    headers[std::move(name)] = std::move(value);
  }
  return headers;
}

result<std::optional<frame>> codec::next() {
  if (input_.size() < 8) return std::optional<frame>();
  const auto head = get(input_, 0, 4);
  const std::size_t size = get(input_, 5, 3);
  if (size > largest_frame) return broken("a frame that is too large");
  if (input_.size() < 8 + size) return std::optional<frame>();
  const auto flags = static_cast<unsigned char>(input_[4]);
  const std::string body = input_.substr(8, size);
  input_.erase(0, 8 + size);
  frame out;
  out.fin = flags & 1;
  if (!(head & 0x80000000u)) {
    out.what = frame::kind::data;
    out.stream = head & 0x7fffffffu;
    out.data = body;
    return std::optional(std::move(out));
  }
  const auto type = head & 0xffffu;
  const bool with_headers = type == 1 || type == 2 || type == 8;
  if (with_headers) {
    const std::size_t before = type == 1 ? 10 : 4;
    if (body.size() < before) return broken("a frame that is cut");
    out.stream = get(body, 0, 4) & 0x7fffffffu;
    // Also of frames that we ignore: it is one stream of compression.
    auto headers = inflate_headers(std::string_view(body).substr(before));
    if (!headers) return headers.error();
    out.headers = std::move(*headers);
    if (type == 1) out.what = frame::kind::open;
  } else if (type == 6 || type == 3 || type == 7) {
    if (body.size() < 4) return broken("a frame that is cut");
    out.stream = get(body, 0, 4);
    out.what = type == 6 ? frame::kind::ping : type == 3 ? frame::kind::reset : frame::kind::go_away;
  }
  return std::optional(std::move(out));
}

std::string codec::reply(std::uint32_t stream) {
  const std::string none(4, '\0');
  std::string packed(256, '\0');
  auto& z = zlib_->out;
  z.next_in = bytes_of(none);
  z.avail_in = 4;
  z.next_out = bytes_of(packed);
  z.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&z, Z_SYNC_FLUSH);
  std::string body;
  put(body, stream, 4);
  body += std::string_view(packed).substr(0, packed.size() - z.avail_out);
  return control(2, 0, body);
}

std::string codec::data(std::uint32_t stream, std::string_view bytes, bool fin) const {
  std::string out;
  put(out, stream & 0x7fffffffu, 4);
  put(out, (fin ? 1u << 24 : 0u) | static_cast<std::uint32_t>(bytes.size()), 4);
  out += bytes;
  return out;
}

std::string codec::ping(std::uint32_t id) const {
  std::string body;
  put(body, id, 4);
  return control(6, 0, body);
}

}  // namespace atrium::devcluster::spdy
