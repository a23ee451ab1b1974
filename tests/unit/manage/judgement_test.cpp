#include "apps/manage-action/judgement.hpp"

#include <gtest/gtest.h>

#include "atrium/k8s/status.hpp"

namespace atrium::manage_action {
namespace {

using domain::action_name;

TEST(Judgement, OnlyWhatMayPassIsRepeated) {
  for (unsigned status : {429u, 503u, 504u, 500u, 502u, 401u})
    EXPECT_TRUE(may_pass(k8s::error_of_status(status, ""))) << status;
  for (unsigned status : {400u, 403u, 404u, 409u, 422u})
    EXPECT_FALSE(may_pass(k8s::error_of_status(status, ""))) << status;
  EXPECT_TRUE(may_pass(error(disposition::disconnected, "x")));
  EXPECT_FALSE(may_pass(error(disposition::invalid, "x")));
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
