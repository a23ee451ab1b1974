#include <gtest/gtest.h>

#include <set>

#include "apps/domain/credentials.hpp"
#include "apps/domain/crypto.hpp"
#include "apps/domain/ids.hpp"
#include "apps/domain/password.hpp"
#include "apps/domain/time.hpp"
#include "apps/domain/user_header.hpp"

namespace atrium::domain {
namespace {

using namespace std::chrono_literals;

TEST(Ids, ParseAcceptsEitherCaseAndGivesLowerCase) {
  const auto id = project_id::parse("0B5C3A1E-7777-4aaa-8bbb-0123456789AF");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->view(), "0b5c3a1e-7777-4aaa-8bbb-0123456789af");
}

TEST(Ids, ParseRefusesEverythingElse) {
  for (const char* text : {"", "0b5c3a1e77774aaa8bbb0123456789af", "0b5c3a1e-7777-4aaa-8bbb-0123456789a",
                           "0b5c3a1e-7777-4aaa-8bbb-0123456789ag", "0b5c3a1e-7777-4aaa-8bbb-0123456789af ",
                           "-b5c3a1e07777-4aaa-8bbb-0123456789af", "' OR 1=1 --"}) {
    const auto id = account_id::parse(text);
    ASSERT_FALSE(id.has_value()) << text;
    EXPECT_EQ(id.error().disposition(), disposition::invalid);
    EXPECT_EQ(id.error().public_text(), "This is not the id of an account.");
  }
}

TEST(Ids, RandomOnesAreVersionFourAndDiffer) {
  std::set<project_id> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = project_id::make_random();
    EXPECT_TRUE(project_id::parse(id.view()).has_value());
    EXPECT_EQ(id.view()[14], '4');
    EXPECT_NE(std::string_view("89ab").find(id.view()[19]), std::string_view::npos);
    EXPECT_TRUE(seen.insert(id).second);
  }
  EXPECT_TRUE(account_id().is_nil());
}

TEST(Time, RoundTripsAndReadsTheFormsOfOthers) {
  const auto t = parse_timestamp("2026-07-03T12:34:56.789Z");
  ASSERT_TRUE(t.has_value());
  EXPECT_EQ(to_iso8601(*t), "2026-07-03T12:34:56.789Z");
  EXPECT_EQ(*parse_timestamp("2026-07-03 12:34:56.789123"), *t);
  EXPECT_EQ(*parse_timestamp("2026-07-03 12:34:56.789+00"), *t);
  EXPECT_EQ(to_iso8601(*parse_timestamp("2026-07-03T12:34:56Z")), "2026-07-03T12:34:56.000Z");
  EXPECT_EQ(to_iso8601(*parse_timestamp("2026-07-03T12:34:56.5")), "2026-07-03T12:34:56.500Z");
  EXPECT_EQ(to_iso8601(*parse_timestamp("1969-12-31T23:59:59.999Z")), "1969-12-31T23:59:59.999Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026-07-03", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-07-03T24:00:00Z",
                           "2026-07-03T12:34:56+02:00", "2026-07-03T12:34:56.Z", "x026-07-03T12:34:56Z"})
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
}

TEST(Crypto, DigestsMeetPublishedVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231
}

TEST(Crypto, TokensHaveTheLengthAndTheAlphabet) {
  const auto token = random_token(500);
  EXPECT_EQ(token.size(), 500u);
  EXPECT_EQ(token.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
            std::string::npos);
  EXPECT_NE(random_token(22), random_token(22));
  EXPECT_EQ(random_token(0), "");
}

TEST(Crypto, Base64RoundTripsAndIsStrict) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xff\xfe\xfb"})
    EXPECT_EQ(*base64url_decode(base64url_encode(text)), text);
  EXPECT_EQ(base64url_encode("\xff\xfe\xfb"), "__77");
  EXPECT_EQ(*base64_decode("Zm9vYg=="), "foob");
  EXPECT_FALSE(base64url_decode("Zm9vYh").has_value());  // bits that mean nothing must be zero
  EXPECT_FALSE(base64url_decode("Zm9v=").has_value());
  EXPECT_FALSE(base64url_decode("Z").has_value());
  EXPECT_FALSE(base64_decode("Zm 9v").has_value());
}

TEST(Passwords, VerifyOnlyTheRightOne) {
  const auto hash = hash_password("correct horse battery staple");
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_LE(hash.size(), 173u);  // accounts.password_hash
  EXPECT_TRUE(verify_password(hash, "correct horse battery staple"));
  EXPECT_FALSE(verify_password(hash, "correct horse battery stapl"));
  EXPECT_FALSE(needs_rehash(hash));
  EXPECT_NE(hash, hash_password("correct horse battery staple"));
  EXPECT_FALSE(verify_password(unmatchable_hash(), ""));
}

TEST(Passwords, RefuseForeignAndCostlyHashes) {
  EXPECT_FALSE(verify_password("", "x"));
  EXPECT_FALSE(verify_password("$argon2id$v=19$m=19456,t=2,p=1$", "x"));
  EXPECT_FALSE(verify_password("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaA", "x"));
  EXPECT_FALSE(verify_password("$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$aGFzaA", "x"));
  EXPECT_TRUE(needs_rehash("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$aGFzaA"));
  EXPECT_TRUE(needs_rehash("nonsense"));
}

TEST(Sessions, TokensAreLongAndCookiesAreGuarded) {
  const auto token = new_session_token();
  EXPECT_TRUE(looks_like_session_token(token));
  EXPECT_FALSE(looks_like_session_token(token.substr(1)));
  EXPECT_FALSE(looks_like_session_token(std::string(43, ';')));
  EXPECT_EQ(session_hash(token).size(), 64u);
  const auto cookie = session_set_cookie(token, true);
  EXPECT_EQ(cookie, "atrium_session=" + token + "; Path=/; HttpOnly; SameSite=Lax; Max-Age=15552000; Secure");
  EXPECT_EQ(session_set_cookie(token, false).find("Secure"), std::string::npos);
  EXPECT_EQ(session_clear_cookie(false), "atrium_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
}

TEST(ApiKeys, SpellTheirRow) {
  for (const std::int64_t id :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{61}, std::int64_t{62}, std::int64_t{56'800'235'583}}) {
    const auto key = new_api_key(id);
    EXPECT_EQ(key.size(), 25u);
    const auto parts = parse_api_key(key);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->id, id);
    EXPECT_EQ(api_key_trunc(key), "sk-..." + key.substr(19));
  }
  EXPECT_FALSE(parse_api_key("sk-"));
  EXPECT_FALSE(parse_api_key("sk_0123456789abcdef000001"));
  EXPECT_FALSE(parse_api_key("sk-0123456789abcde!000001"));
}

TEST(ApiKeys, ComeInTwoForms) {
  EXPECT_EQ(api_key_of_authorization("Bearer sk-x"), "sk-x");
  EXPECT_EQ(api_key_of_authorization("bearer  sk-x"), "sk-x");
  EXPECT_EQ(api_key_of_authorization("Basic c2steDo="), "sk-x");  // sk-x:
  EXPECT_EQ(api_key_of_authorization("Basic c2stCg"), "sk-\n");
  EXPECT_EQ(api_key_of_authorization("Basic ???"), "");
  EXPECT_EQ(api_key_of_authorization("Digest sk-x"), "");
  EXPECT_EQ(api_key_of_authorization("sk-x"), "");
  EXPECT_EQ(api_key_of_authorization(""), "");
}

TEST(UserHeader, TellsWhoItIsUntilItExpires) {
  const timestamp now{1'780'000'000'500ms};
  const user_identity user{account_id::make_random(), "Zoë \"Z\" <b>", now + 60s};
  const auto header = sign_user_header(user, "secret");
  const auto seen = verify_user_header(header, "secret", now);
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->account_id, user.account_id);
  EXPECT_EQ(seen->name, user.name);
  EXPECT_EQ(seen->expires, std::chrono::floor<std::chrono::seconds>(user.expires));
  EXPECT_FALSE(verify_user_header(header, "secret", now + 61s).has_value());
  EXPECT_FALSE(verify_user_header(header, "other", now).has_value());
  EXPECT_FALSE(verify_user_header(header, "", now).has_value());
}

TEST(UserHeader, RefusesWhatWasChanged) {
  const timestamp now{1'780'000'000'000ms};
  const auto header = sign_user_header({account_id::make_random(), "A", now + 60s}, "secret");
  for (std::size_t i = 0; i < header.size(); ++i) {
    auto changed = header;
    changed[i] ^= 1;
    EXPECT_FALSE(verify_user_header(changed, "secret", now).has_value()) << i;
  }
  const auto signed_nonsense = [](const std::string& text) {
    const auto payload = base64url_encode(text);
    return payload + "." + hmac_sha256_hex("secret", payload);
  };
  for (const char* text : {"", "[]", "{}", R"({"account_id":"x","expires":9999999999})",
                           R"({"account_id":"0b5c3a1e-7777-4aaa-8bbb-0123456789af","expires":"9999999999"})",
                           R"({"account_id":"0b5c3a1e-7777-4aaa-8bbb-0123456789af","expires":9223372036854775807})"})
    EXPECT_FALSE(verify_user_header(signed_nonsense(text), "secret", now).has_value()) << text;
}

}  // namespace
}  // namespace atrium::domain
