#include "io/ready_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace ep::io {
namespace {

TEST(ReadyQueue, IsFirstInFirstOut) {
  ReadyQueue<int> queue;
  EXPECT_TRUE(queue.empty());
  for (int i = 0; i < 100; ++i) queue.push(i);
  EXPECT_EQ(queue.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(queue.pop(), i);
  EXPECT_TRUE(queue.empty());
}

TEST(ReadyQueue, BehavesAsADequeWhileItGrowsAndWraps) {
  ReadyQueue<int> queue;
  std::deque<int> model;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    // Long runs of either, so that it both grows and wraps around.
    if (random() % 100 < (i / 1000 % 2 == 0 ? 70U : 40U)) {
      queue.push(i);
      model.push_back(i);
    } else if (!model.empty()) {
      ASSERT_EQ(queue.pop(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
  }
  for (std::size_t i = 0; i < model.size(); ++i) EXPECT_EQ(queue[i], model[i]);
}

TEST(ReadyQueue, TakingLeavesAnEmptyUsableQueue) {
  ReadyQueue<int> queue;
  for (int i = 0; i < 40; ++i) queue.push(i);
  ReadyQueue<int> taken = queue.take();
  EXPECT_TRUE(queue.empty());
  queue.push(7);
  EXPECT_EQ(queue.pop(), 7);
  EXPECT_EQ(taken.size(), 40U);
  EXPECT_EQ(taken.pop(), 0);
}

}  // namespace
}  // namespace ep::io
