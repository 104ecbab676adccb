#include "task/parking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ep::task {
namespace {

using State = Parking::State;
using Notified = Parking::Notified;
using Parked = Parking::Parked;

constexpr auto kNoWork = [] { return false; };
constexpr auto kWork = [] { return true; };

TEST(Parking, ANewLoopIsParkedAndItsFirstWorkQueuesTheTick) {
  Parking parking;
  EXPECT_EQ(parking.state(), State::kParked);
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  EXPECT_EQ(parking.state(), State::kActive);
}

TEST(Parking, OnlyTheFirstOfABurstQueuesATick) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  EXPECT_EQ(parking.notify(), Notified::kWakeThread);
  EXPECT_EQ(parking.notify(), Notified::kWakeThread);
}

TEST(Parking, WithoutWorkItParksAndTheWorkerIsTold) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  EXPECT_EQ(parking.park(kNoWork), Parked::kTellWorker);
  EXPECT_EQ(parking.state(), State::kParked);
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
}

TEST(Parking, WorkThatCameBeforeItParkedQueuesATick) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  EXPECT_EQ(parking.park(kWork), Parked::kQueueTick);
  EXPECT_EQ(parking.state(), State::kActive);
}

TEST(Parking, ANotificationDuringTheLookQueuesTheOneTick) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  const auto notified_meanwhile = [&] {
    EXPECT_EQ(parking.notify(), Notified::kQueueTick);
    return true;
  };
  EXPECT_EQ(parking.park(notified_meanwhile), Parked::kNotified);
  EXPECT_EQ(parking.state(), State::kActive);
}

TEST(Parking, ANotificationThatTheLookMissesIsNotLost) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  const auto notified_after = [&] {
    EXPECT_EQ(parking.notify(), Notified::kQueueTick);
    return false;
  };
  EXPECT_EQ(parking.park(notified_after), Parked::kTellWorker);  // in vain: a tick is queued
  EXPECT_EQ(parking.state(), State::kActive);
}

TEST(Parking, ALoopWithoutHopeOfWorkParksWithoutALook) {
  Parking parking;
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
  parking.park();
  EXPECT_EQ(parking.state(), State::kParked);
  EXPECT_EQ(parking.notify(), Notified::kQueueTick);
}

TEST(Parking, OnlyTheLastWaitCounts) {
  Parking parking;
  const std::uint64_t first = parking.begin_wait();
  EXPECT_TRUE(parking.is_latest_wait(first));
  const std::uint64_t second = parking.begin_wait();
  EXPECT_FALSE(parking.is_latest_wait(first));
  EXPECT_TRUE(parking.is_latest_wait(second));
}

/// Two threads bring work and the worker wakes the loop, while the loop's thread runs ticks and
/// parks. All work is done, and there is never more than one tick.
TEST(ParkingRace, NoWorkIsLeftLyingAndNoTickIsQueuedTwice) {
  constexpr int kBringers = 2;
  constexpr int kEach = 20'000;
  Parking parking;
  std::atomic<int> work{0};
  std::atomic<int> ticks{0};  // queued and not yet begun
  std::atomic<std::uint64_t> wait{0};
  std::atomic<bool> done{false};
  const auto queue_tick = [&] { EXPECT_EQ(ticks.fetch_add(1), 0); };
  const auto notify = [&] {
    if (parking.notify() == Notified::kQueueTick) queue_tick();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kBringers; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) {
        work.fetch_add(1);
        notify();
        if (j % 100 == 0) std::this_thread::yield();
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      const std::uint64_t number = wait.load();
      if (number != 0 && parking.is_latest_wait(number)) notify();
      std::this_thread::yield();
    }
  });
  int finished = 0;
  while (finished < kBringers * kEach) {
    if (ticks.load() == 0) {
      std::this_thread::yield();
      continue;
    }
    ticks.fetch_sub(1);
    finished += work.exchange(0);
    switch (parking.park([&] { return work.load() > 0; })) {
      case Parked::kTellWorker:
        wait.store(parking.begin_wait());
        break;
      case Parked::kQueueTick:
        queue_tick();
        break;
      case Parked::kNotified:
        break;
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(work, 0);
}

}  // namespace
}  // namespace ep::task
