#include "apps/domain/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <memory>

#include "atrium/base/assert.hpp"

namespace atrium::domain {

namespace {

std::string hex(std::span<const unsigned char> bytes) {
  std::string out(bytes.size() * 2, '0');
  auto at = out.begin();
  for (const auto b : bytes) {
    *at++ = "0123456789abcdef"[b >> 4];
    *at++ = "0123456789abcdef"[b & 15];
  }
  return out;
}

constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view plain_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

result<std::string> decode(std::string_view text, std::string_view alphabet) {
  const auto bad = [] { return error(disposition::invalid, "This is not base64 text."); };
  std::array<int, 256> value;
  value.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    value[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
  if (text.size() % 4 == 1) return bad();
  std::string out;
  out.reserve(text.size() * 3 / 4);
  unsigned held = 0, bits = 0;
  for (const unsigned char c : text) {
    if (value[c] < 0) return bad();
    held = (held << 6 | static_cast<unsigned>(value[c])) & 0xffff;
    bits += 6;
    if (bits >= 8) out += static_cast<char>(held >> (bits -= 8));
  }
  if (held & ((1u << bits) - 1)) return bad();  // two spellings of one value would be two keys
  return out;
}

}  // namespace

void random_bytes(std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    const auto n = getrandom(into.data(), into.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    ATRIUM_ASSERT(n > 0, "the kernel gives random bytes");
    into = into.subspan(static_cast<std::size_t>(n));
  }
}

std::string random_token(std::size_t length) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr unsigned fair = 256 / 62 * 62;  // values from here on would favour the first letters
  std::string out;
  out.reserve(length);
  std::array<std::byte, 64> pool;
  while (out.size() < length) {
    random_bytes(pool);
    for (const auto b : pool) {
      const auto v = std::to_integer<unsigned>(b);
      if (v < fair && out.size() < length) out += alphabet[v % 62];
    }
  }
  return out;
}

std::string sha256_hex(std::string_view text) {
  // Every request with a session comes here. Fetching the algorithm and making a context cost more than the digest.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> kept(EVP_MD_CTX_new(),
                                                                                         &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  const bool ok = EVP_DigestInit_ex2(kept.get(), sha256, nullptr) == 1 &&
                  EVP_DigestUpdate(kept.get(), text.data(), text.size()) == 1 &&
                  EVP_DigestFinal_ex(kept.get(), digest.data(), &length) == 1;
  ATRIUM_ASSERT(ok && length == 32, "SHA-256 is there");
  return hex({digest.data(), length});
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &length);
  ATRIUM_ASSERT(done && length == 32, "HMAC-SHA-256 is there");
  return hex({digest.data(), length});
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  unsigned held = 0, bits = 0;
  for (const unsigned char c : bytes) {
    held = (held << 8 | c) & 0xffff;
    bits += 8;
    while (bits >= 6) out += url_alphabet[held >> (bits -= 6) & 63];
  }
  if (bits) out += url_alphabet[held << (6 - bits) & 63];
  return out;
}

result<std::string> base64url_decode(std::string_view text) { return decode(text, url_alphabet); }

result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 == 0)
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, plain_alphabet);
}

}  // namespace atrium::domain
