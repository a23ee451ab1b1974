#include "apps/domain/validation.hpp"

#include <gtest/gtest.h>

namespace atrium::domain {
namespace {

TEST(Email, IsTrimmedAndLowered) {
  EXPECT_EQ(*clean_email("  Ada.Lovelace+x@Example.ORG\n"), "ada.lovelace+x@example.org");
  EXPECT_EQ(*clean_email("a@localhost"), "a@localhost");
  EXPECT_EQ(*clean_email("jörg@bücher.example"), "jörg@bücher.example");
}

TEST(Email, SaysWhatIsWrong) {
  EXPECT_EQ(clean_email("").error().public_text(), "Enter your e-mail address.");
  for (const std::string text : {"a", "@b", "a@", "a@@b", "a b@c", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b..c",
                                 "a@b.", "a@b c", "a@b,c@d", "a\"@b", "a@b>", "\xff@b", "a@b\xc3"})
    EXPECT_EQ(clean_email(text).error().public_text(), "This is not an e-mail address. It looks like name@example.org.")
        << text;
  EXPECT_FALSE(clean_email(std::string(65, 'a') + "@b").has_value());
  EXPECT_FALSE(clean_email("a@" + std::string(64, 'b')).has_value());
  EXPECT_FALSE(clean_email(std::string(300, 'a')).has_value());
}

TEST(Password, LengthIsCountedInCharacters) {
  EXPECT_TRUE(check_new_password("pässwörté").has_value());
  EXPECT_FALSE(check_new_password("äöüßäöü").has_value());  // seven characters, fourteen bytes
  EXPECT_FALSE(check_new_password(std::string(129, 'a') + "b").has_value());
  EXPECT_TRUE(check_new_password(std::string(64, 'a') + std::string(64, 'b')).has_value());
  EXPECT_FALSE(check_new_password("abcdefg\xff").has_value());
  EXPECT_FALSE(check_new_password(std::string("abcdefgh\0", 9)).has_value());
}

TEST(Password, CommonOnesAndTheAddressAreRefused) {
  EXPECT_FALSE(check_new_password("Password123").has_value());
  EXPECT_FALSE(check_new_password("aaaaaaaaaa").has_value());
  EXPECT_FALSE(check_new_password("Ada@Example.org", "ada@example.org").has_value());
  EXPECT_EQ(*check_new_password(" spaces are kept "), " spaces are kept ");
}

TEST(Names, AreCleanedOrExplained) {
  EXPECT_EQ(*clean_person_name("  Ada \t Maria\n", "first name"), "Ada Maria");
  EXPECT_EQ(clean_person_name(" ", "first name").error().public_text(), "Enter your first name.");
  EXPECT_FALSE(clean_person_name("Win at http://x.example").has_value());
  EXPECT_FALSE(clean_person_name("WWW.x.example").has_value());
  EXPECT_FALSE(clean_person_name("a\x07z").has_value());
  EXPECT_FALSE(clean_person_name(std::string(101, 'x')).has_value());
  EXPECT_EQ(*clean_person_name("<script>alert(1)</script>"), "<script>alert(1)</script>");  // escaped where it is shown
}

TEST(Titles, HaveBounds) {
  EXPECT_EQ(*clean_title(" Thesis,  chapter 3 "), "Thesis, chapter 3");
  EXPECT_FALSE(clean_title("").has_value());
  EXPECT_FALSE(clean_title(std::string(201, 'x')).has_value());
  EXPECT_EQ(*clean_description("a\n\nb\n"), "a\n\nb");
  EXPECT_TRUE(clean_description("").has_value());
  EXPECT_FALSE(clean_description(std::string(10'001, 'x')).has_value());
  EXPECT_EQ(*clean_key_name(" backup script "), "backup script");
  EXPECT_FALSE(clean_key_name("").has_value());
}

TEST(Utf8, CountsAndRefuses) {
  EXPECT_EQ(utf8_length("aä€😀"), 4u);
  for (const std::string text : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                 "\xf5\x80\x80\x80", "\xe2\x82", "a\xc3"})
    EXPECT_FALSE(utf8_length(text)) << text;
}

}  // namespace
}  // namespace atrium::domain
