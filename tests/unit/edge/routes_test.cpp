#include "apps/edge/routes.hpp"

#include <gtest/gtest.h>

namespace atrium::edge {
namespace {

TEST(EdgeRoutes, EveryPathHasItsService) {
  EXPECT_EQ(backend_of("/"), backend::hub_next);
  EXPECT_EQ(backend_of("/info"), backend::hub_next);
  EXPECT_EQ(backend_of("/api/v2/projects/get"), backend::hub_next);
  EXPECT_EQ(backend_of("/api/v1/ping"), backend::hub_api);
  EXPECT_EQ(backend_of("/app"), backend::static_files);
  EXPECT_EQ(backend_of("/app/projects"), backend::static_files);
  EXPECT_EQ(backend_of("/hub"), backend::hub_websocket);
  EXPECT_EQ(backend_of("/ada/maps/notes"), backend::hub_next);
}

TEST(EdgeRoutes, PrefixesEndAtSegments) {
  EXPECT_EQ(backend_of("/application"), backend::hub_next);
  EXPECT_EQ(backend_of("/hubble"), backend::hub_next);
  EXPECT_EQ(backend_of("/api/v10"), backend::hub_next);
}

TEST(EdgeRoutes, ProjectPathsAreWholeLowerCaseUuids) {
  EXPECT_EQ(backend_of("/0b8e0c1e-58a4-4c1f-9d83-6f35f3a5b1aa/ws"), backend::hub_proxy);
  EXPECT_EQ(backend_of("/0b8e0c1e-58a4-4c1f-9d83-6f35f3a5b1aa"), backend::hub_proxy);
  EXPECT_EQ(backend_of("/0B8E0C1E-58A4-4C1F-9D83-6F35F3A5B1AA/ws"), backend::hub_next);
  EXPECT_EQ(backend_of("/0b8e0c1e-58a4-4c1f-9d83-6f35f3a5b1aax/ws"), backend::hub_next);
  EXPECT_EQ(backend_of("/0b8e0c1e058a4-4c1f-9d83-6f35f3a5b1aa/ws"), backend::hub_next);
}

}  // namespace
}  // namespace atrium::edge
