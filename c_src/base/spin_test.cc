#include "base/spin.h"

#include <gtest/gtest.h>

namespace ep {
namespace {

// How long it spins also depends on what else the machine does, so only bounds are certain.
int checks_of(AdaptiveSpin& spin) {
  int checks = 0;
  EXPECT_FALSE(spin([&] {
    ++checks;
    return false;
  }));
  return checks;
}

TEST(AdaptiveSpin, LooksOnceEvenWithoutABudget) {
  AdaptiveSpin spin(0);
  EXPECT_TRUE(spin([] { return true; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(checks_of(spin), 1);
}

TEST(AdaptiveSpin, StartsWithoutSpinningAndProbesNowAndThen) {
  AdaptiveSpin spin;
  int spun = 0;
  for (int i = 0; i < 128; ++i) spun += checks_of(spin) > 1 ? 1 : 0;
  EXPECT_GE(spun, 1);
  EXPECT_LE(spun, 4);
}

TEST(AdaptiveSpin, SpinsOnceAShortSleepHasShownThatItWouldPay) {
  AdaptiveSpin spin;
  spin.slept_for(kMicrosecond);
  EXPECT_GT(checks_of(spin), 1);
}

TEST(AdaptiveSpin, StopsSpinningWhenItFindsNothing) {
  AdaptiveSpin spin;
  for (int i = 0; i < 10; ++i) spin.slept_for(kMicrosecond);
  int spun = 0;
  while (checks_of(spin) > 1) {
    ASSERT_LT(++spun, 20);
  }
  EXPECT_GE(spun, 1);
}

TEST(AdaptiveSpin, ALongSleepChangesNothing) {
  AdaptiveSpin spin;
  spin.slept_for(kSecond);
  EXPECT_EQ(checks_of(spin), 1);
}

TEST(AdaptiveSpin, FindsWhatComesWhileItSpins) {
  AdaptiveSpin spin;
  spin.slept_for(kMicrosecond);
  int checks = 0;
  EXPECT_TRUE(spin([&] { return ++checks == 3; }));
}

}  // namespace
}  // namespace ep
