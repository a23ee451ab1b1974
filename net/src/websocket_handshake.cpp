#include <openssl/evp.h>
#include <openssl/rand.h>

#include "atrium/net/websocket_codec.hpp"

namespace atrium::net::ws {

namespace {

void random_bytes(std::span<unsigned char> into) {
  if (RAND_bytes(into.data(), static_cast<int>(into.size())) != 1)
    fail(disposition::failed, "The system gives no random numbers.");
}

std::string base64(std::span<const unsigned char> bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a NUL behind
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
  out.pop_back();
  return out;
}

}  // namespace

std::string make_handshake_key() {
  std::array<unsigned char, 16> bytes;
  random_bytes(bytes);
  return base64(bytes);
}

bool valid_handshake_key(std::string_view key) noexcept {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.find_first_not_of(alphabet) == 22;
}

std::string handshake_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    fail(disposition::failed, "The system's OpenSSL has no SHA-1, which WebSocket handshakes need.");
  return base64(std::span(digest).first(size));
}

mask_key random_mask() {
  // One call of the generator serves many frames.
  thread_local std::array<unsigned char, 512> store;
  thread_local std::size_t used = store.size();
  if (used == store.size()) {
    random_bytes(store);
    used = 0;
  }
  mask_key key{store[used], store[used + 1], store[used + 2], store[used + 3]};
  used += 4;
  return key;
}

}  // namespace atrium::net::ws
