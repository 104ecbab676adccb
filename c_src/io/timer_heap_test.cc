#include "io/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace ep::io {
namespace {

TEST(TimerHeap, IsEmptyAtFirst) {
  TimerHeap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.next(), kNever);
  EXPECT_EQ(heap.pop_due(kNever), nullptr);
}

TEST(TimerHeap, FiresInTheOrderOfDeadlinesAndNeverEarly) {
  TimerHeap heap;
  TimerNode late, early, middle;
  heap.add(&late, 30);
  heap.add(&early, 10);
  heap.add(&middle, 20);
  EXPECT_EQ(heap.next(), 10);
  EXPECT_EQ(heap.pop_due(9), nullptr);
  EXPECT_EQ(heap.pop_due(10), &early);
  EXPECT_FALSE(early.queued());
  EXPECT_EQ(heap.pop_due(10), nullptr);
  EXPECT_EQ(heap.pop_due(100), &middle);
  EXPECT_EQ(heap.pop_due(100), &late);
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, KeepsTheOrderOfEqualDeadlines) {
  TimerHeap heap;
  std::deque<TimerNode> nodes(1000);
  for (TimerNode& node : nodes) heap.add(&node, 5);
  for (TimerNode& node : nodes) ASSERT_EQ(heap.pop_due(5), &node);
}

TEST(TimerHeap, RemovedTimersAreGoneAtOnce) {
  TimerHeap heap;
  TimerNode first, second;
  heap.add(&first, 1);
  heap.add(&second, 2);
  heap.remove(&first);
  EXPECT_FALSE(first.queued());
  EXPECT_EQ(heap.next(), 2);
  heap.remove(&first);
  EXPECT_EQ(heap.size(), 1U);
  heap.add(&first, 3);
  EXPECT_EQ(heap.pop_due(9), &second);
  EXPECT_EQ(heap.pop_due(9), &first);
}

TEST(TimerHeap, CanWaitForEver) {
  TimerHeap heap;
  TimerNode node;
  heap.add(&node, kNever);
  EXPECT_EQ(heap.next(), kNever);
  EXPECT_EQ(heap.pop_due(kNever - 1), nullptr);
  heap.remove(&node);
  EXPECT_TRUE(heap.empty());
}

struct ModelTimer {
  TimerNode node;
  Nanos deadline = 0;
  int added = 0;
};

bool fires_before(const ModelTimer* a, const ModelTimer* b) {
  return std::pair(a->deadline, a->added) < std::pair(b->deadline, b->added);
}

TEST(TimerHeap, BehavesAsASortedList) {
  TimerHeap heap;
  std::deque<ModelTimer> all(3000);
  std::vector<ModelTimer*> queued;
  std::mt19937 random(7);
  int additions = 0;
  for (int step = 0; step < 30'000; ++step) {
    ModelTimer& timer = all[random() % all.size()];
    if (timer.node.queued()) {
      heap.remove(&timer.node);
      std::erase(queued, &timer);
    } else if (random() % 4 != 0) {
      timer.deadline = static_cast<Nanos>(random() % 500);
      timer.added = additions++;
      heap.add(&timer.node, timer.deadline);
      queued.push_back(&timer);
    } else if (!queued.empty()) {
      const auto first = std::min_element(queued.begin(), queued.end(), fires_before);
      ASSERT_EQ(heap.next(), (*first)->deadline);
      ASSERT_EQ(heap.pop_due((*first)->deadline), &(*first)->node);
      queued.erase(first);
    }
    ASSERT_EQ(heap.size(), queued.size());
  }
}

TEST(TimerHeap, VisitsAll) {
  TimerHeap heap;
  std::deque<TimerNode> nodes(50);
  for (TimerNode& node : nodes) heap.add(&node, 1);
  int visited = 0;
  EXPECT_EQ(heap.for_each([&](TimerNode*) {
    ++visited;
    return 0;
  }),
            0);
  EXPECT_EQ(visited, 50);
  EXPECT_EQ(heap.for_each([](TimerNode*) { return 3; }), 3);
}

}  // namespace
}  // namespace ep::io
