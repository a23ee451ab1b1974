#include "apps/manage-action/judgement.hpp"

#include <gtest/gtest.h>

#include "atrium/k8s/status.hpp"

namespace atrium::manage_action {
namespace {

using domain::action_name;

TEST(Judgement, OnlyWhatMayPassIsRepeated) {
  using namespace std::chrono_literals;
  constexpr rt::duration limit = 2min, not_at_all{};
  for (unsigned status : {429u, 503u, 504u, 500u, 502u, 401u})
    EXPECT_EQ(worth_repeating(k8s::error_of_status(status, ""), limit), limit) << status;
  for (unsigned status : {400u, 404u, 409u, 422u})
    EXPECT_EQ(worth_repeating(k8s::error_of_status(status, ""), limit), not_at_all) << status;
  EXPECT_EQ(worth_repeating(error(disposition::disconnected, "x"), limit), limit);
  EXPECT_EQ(worth_repeating(error(disposition::invalid, "x"), limit), not_at_all);
}

TEST(Judgement, AMissingPermissionIsAwaitedForAMomentAndAFullQuotaIsNot) {
  using namespace std::chrono_literals;
  const auto forbidden = k8s::error_of_status(403, ""),
             full = k8s::error_of_status(403, R"({"message":"exceeded quota: x"})");
  EXPECT_EQ(worth_repeating(forbidden, 2min), 10s);
  EXPECT_EQ(worth_repeating(forbidden, 1s), 1s);
  EXPECT_EQ(worth_repeating(full, 2min), 0s);
}

TEST(Judgement, SentencesSayWhatToDoAndNothingOfTheServer) {
  const auto quota = k8s::error_of_status(403, R"({"message":"exceeded quota: secret-name"})");
  const auto text = sentence_for_people(quota, action_name::start);
  EXPECT_NE(text.find("Stop another project"), std::string::npos);
  EXPECT_EQ(text.find("secret-name"), std::string::npos);
  EXPECT_NE(sentence_for_people(k8s::error_of_status(422, ""), action_name::start).find("project-pod"),
            std::string::npos);
  EXPECT_NE(sentence_for_people(k8s::error_of_status(404, ""), action_name::start).find("namespace"),
            std::string::npos);
  EXPECT_NE(sentence_for_people(error(disposition::disconnected, "x"), action_name::stop).find("stopped"),
            std::string::npos);
  EXPECT_EQ(sentence_for_people(error(disposition::invalid, "Our own sentence."), action_name::start),
            "Our own sentence.");
}

}  // namespace
}  // namespace atrium::manage_action
