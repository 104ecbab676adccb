#include "io/reading_state.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

TEST(ReadingState, ReadsAtFirst) {
  ReadingState reading;
  EXPECT_TRUE(reading.wants_more());
  EXPECT_FALSE(reading.is_paused());
  EXPECT_FALSE(reading.resume());
}

TEST(ReadingState, PausesAndResumesOnce) {
  ReadingState reading;
  EXPECT_TRUE(reading.pause());
  EXPECT_FALSE(reading.pause());
  EXPECT_TRUE(reading.is_paused());
  EXPECT_FALSE(reading.wants_more());
  EXPECT_TRUE(reading.resume());
  EXPECT_FALSE(reading.resume());
  EXPECT_TRUE(reading.wants_more());
}

TEST(ReadingState, AtTheEndThereIsNothingMoreButItIsNotPaused) {
  ReadingState reading;
  reading.reached_end();
  EXPECT_FALSE(reading.wants_more());
  EXPECT_FALSE(reading.is_paused());
  EXPECT_FALSE(reading.resume());
  EXPECT_FALSE(reading.wants_more());
}

TEST(ReadingState, PausingAndResumingAtTheEndLooksAgain) {
  ReadingState reading;
  reading.reached_end();
  EXPECT_TRUE(reading.pause());
  EXPECT_TRUE(reading.resume());
  EXPECT_TRUE(reading.wants_more());
}

TEST(ReadingState, AnEndThatIsReachedWhilePausedIsLookedForAgain) {
  ReadingState reading;
  reading.pause();
  reading.reached_end();  // eof_received() has paused it
  EXPECT_TRUE(reading.is_paused());
  EXPECT_TRUE(reading.resume());
  EXPECT_TRUE(reading.wants_more());
}

}  // namespace
}  // namespace ep::io
