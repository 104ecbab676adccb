#include "runtime/chain_waits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ep {
namespace {

TEST(ChainWaits, KnowTheChainsOfAllWaitsThatAreNotOver) {
  ChainWaits waits;
  EXPECT_FALSE(waits.any());
  EXPECT_FALSE(waits.has(1));
  waits.enter(1);
  waits.enter(2);
  waits.enter(1);
  EXPECT_TRUE(waits.any());
  EXPECT_TRUE(waits.has(1));
  EXPECT_TRUE(waits.has(2));
  EXPECT_FALSE(waits.has(3));
  waits.leave();
  EXPECT_TRUE(waits.has(1));
  waits.leave();
  EXPECT_FALSE(waits.has(2));
  EXPECT_TRUE(waits.any());
  waits.leave();
  EXPECT_FALSE(waits.any());
  EXPECT_FALSE(waits.has(1));
}

TEST(ChainWaitsRace, WhoAsksSeesAWaitThatLasts) {
  constexpr int kNested = 2'000;
  ChainWaits waits;
  waits.enter(1);
  std::atomic<bool> done{false};
  std::thread asker([&] {
    do {
      EXPECT_TRUE(waits.any());
      EXPECT_TRUE(waits.has(1));
      EXPECT_FALSE(waits.has(3));
    } while (!done);
  });
  for (int i = 0; i < kNested; ++i) {
    waits.enter(2);
    waits.enter(2);
    waits.leave();
    waits.leave();
  }
  done = true;
  asker.join();
  waits.leave();
  EXPECT_FALSE(waits.any());
}

}  // namespace
}  // namespace ep
