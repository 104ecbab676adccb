#include "io/crowd.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

TEST(Crowd, GathersAndIsGoneOnce) {
  Crowd crowd;
  for (std::size_t i = 0; i < Crowd::kMany; ++i) {
    crowd.made();
    EXPECT_FALSE(crowd.gathered());
  }
  crowd.made();
  EXPECT_TRUE(crowd.gathered());
  for (std::size_t alive = Crowd::kMany; alive >= Crowd::kFew; --alive) {
    EXPECT_FALSE(crowd.is_gone(1));
    EXPECT_TRUE(crowd.gathered());
    crowd.freed();
  }
  EXPECT_TRUE(crowd.is_gone(1));
  EXPECT_FALSE(crowd.gathered());
  EXPECT_FALSE(crowd.is_gone(1));
}

TEST(Crowd, WhatIsKeptIsNotAlive) {
  Crowd crowd;
  for (std::size_t i = 0; i <= Crowd::kMany; ++i) crowd.made();
  const std::size_t made = Crowd::kMany + 1;
  EXPECT_FALSE(crowd.is_gone(made - Crowd::kFew));
  EXPECT_TRUE(crowd.is_gone(made - Crowd::kFew + 1));
}

TEST(Crowd, AFewThatComeAndGoAreNone) {
  Crowd crowd;
  for (int i = 0; i < 1'000'000; ++i) {
    crowd.made();
    EXPECT_FALSE(crowd.is_gone(1));
    crowd.freed();
  }
  EXPECT_FALSE(crowd.gathered());
}

TEST(Crowd, ItMayGatherAgainAtAnyTime) {
  Crowd crowd;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i <= Crowd::kMany; ++i) crowd.made();
    EXPECT_TRUE(crowd.gathered());
    int gone = 0;
    for (std::size_t i = 0; i <= Crowd::kMany; ++i) {
      gone += crowd.is_gone(1);
      crowd.freed();
    }
    EXPECT_EQ(gone, 1);
  }
}

}  // namespace
}  // namespace ep::io
