#include "io/turns.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

void spend(Nanos duration) {
  const Nanos end = now() + duration;
  while (now() < end) {
  }
}

/// A phase of turns that take as long each, on average.
void run_phase(Turns& turns, std::size_t entries, Nanos each) {
  Turns::Phase phase(turns, entries);
  for (std::size_t left = entries; left > 0; --left) {
    phase.left(left - 1);
    const Turns::Turn turn(turns);
    spend(each);
  }
}

/// So that turns follow quickly, however busy the machine is.
void run_a_quick_phase(Turns& turns) { run_phase(turns, 100'000, 0); }

TEST(Turns, HaveNumbersThatNeverComeBack) {
  Turns turns;
  EXPECT_EQ(turns.current(), 0U);
  std::uint64_t first;
  {
    const Turns::Turn turn(turns);
    first = turns.current();
    EXPECT_NE(first, 0U);
  }
  EXPECT_EQ(turns.current(), 0U);
  const Turns::Turn turn(turns);
  EXPECT_NE(turns.current(), 0U);
  EXPECT_NE(turns.current(), first);
}

TEST(Turns, ATurnGoesOnAfterOneWithinIt) {
  Turns turns;
  const Turns::Turn outer(turns);
  const std::uint64_t number = turns.current();
  {
    const Turns::Turn inner(turns);
    EXPECT_NE(turns.current(), number);
  }
  EXPECT_EQ(turns.current(), number);
}

TEST(Turns, DoNotFollowQuicklyBeforeTheyHaveBeenSeenTo) {
  Turns turns;
  Turns::Phase phase(turns, 3);
  phase.left(2);
  EXPECT_FALSE(turns.follow_quickly());
}

TEST(Turns, FollowQuicklyWhileMoreAreLeftOfAPhase) {
  Turns turns;
  run_a_quick_phase(turns);
  EXPECT_FALSE(turns.follow_quickly());  // outside of one
  Turns::Phase phase(turns, 2);
  phase.left(1);
  EXPECT_TRUE(turns.follow_quickly());
  phase.left(0);
  EXPECT_FALSE(turns.follow_quickly());
}

TEST(Turns, DoNotFollowQuicklyAfterSlowOnes) {
  Turns turns;
  run_a_quick_phase(turns);
  run_phase(turns, 2, 2 * Turns::kQuick);
  Turns::Phase phase(turns, 2);
  phase.left(1);
  EXPECT_FALSE(turns.follow_quickly());
}

TEST(Turns, APhaseOfOneSaysNothing) {
  Turns turns;
  run_a_quick_phase(turns);
  run_phase(turns, 1, 2 * Turns::kQuick);
  Turns::Phase phase(turns, 2);
  phase.left(1);
  EXPECT_TRUE(turns.follow_quickly());
}

TEST(Turns, APhaseGoesOnAfterOneWithinIt) {
  Turns turns;
  run_a_quick_phase(turns);
  Turns::Phase outer(turns, 2);
  outer.left(1);
  {
    Turns::Phase inner(turns, 1);
    inner.left(0);
    EXPECT_FALSE(turns.follow_quickly());
  }
  EXPECT_TRUE(turns.follow_quickly());
}

TEST(Turns, WhatWaitsForTheirEndWaitsNotForLong) {
  Turns turns;
  run_a_quick_phase(turns);
  Turns::Phase phase(turns, 2);
  phase.left(1);
  turns.begin_to_wait();
  spend(Turns::kLongestDelay);
  EXPECT_TRUE(turns.follow_quickly());
  EXPECT_FALSE(turns.may_wait_longer());
}

TEST(Turns, WhatWaitsDoesNotOutwaitTheLast) {
  Turns turns;
  run_a_quick_phase(turns);
  Turns::Phase phase(turns, 1);
  phase.left(0);
  turns.begin_to_wait();
  EXPECT_FALSE(turns.may_wait_longer());
}

}  // namespace
}  // namespace ep::io
