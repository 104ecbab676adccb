#include "io/crowd.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

TEST(Crowd, GathersAndIsGoneOnce) {
  Crowd crowd;
  for (std::size_t i = 0; i < Crowd::kMany; ++i) {
    crowd.born();
    EXPECT_FALSE(crowd.gathered());
  }
  crowd.born();
  EXPECT_TRUE(crowd.gathered());
  for (std::size_t alive = Crowd::kMany; alive >= Crowd::kFew; --alive) {
    EXPECT_FALSE(crowd.died());
    EXPECT_TRUE(crowd.gathered());
  }
  EXPECT_TRUE(crowd.died());
  EXPECT_FALSE(crowd.gathered());
  for (std::size_t alive = Crowd::kFew - 1; alive > 0; --alive) EXPECT_FALSE(crowd.died());
}

TEST(Crowd, AFewThatComeAndGoAreNone) {
  Crowd crowd;
  for (int i = 0; i < 1'000'000; ++i) {
    crowd.born();
    EXPECT_FALSE(crowd.died());
  }
  EXPECT_FALSE(crowd.gathered());
}

TEST(Crowd, ItMayGatherAgainAtAnyTime) {
  Crowd crowd;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i <= Crowd::kMany; ++i) crowd.born();
    EXPECT_TRUE(crowd.gathered());
    int gone = 0;
    for (std::size_t i = 0; i <= Crowd::kMany; ++i) gone += crowd.died();
    EXPECT_EQ(gone, 1);
  }
}

}  // namespace
}  // namespace ep::io
