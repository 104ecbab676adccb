#include "io/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace ep::io {
namespace {

struct Counting final : Notifier {
  void notify() noexcept override { ++count; }
  std::atomic<int> count{0};
};

const auto kNothingElse = [] { return false; };

bool readable(int fd, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, timeout_ms) == 1;
}

/// Whether it slept.
template <class Ask, class During>
bool sleep(Doorbell& doorbell, Ask something_else, During during) {
  Waker waker;
  const UniqueFd event(new_eventfd());
  bool slept = false;
  doorbell.sleep_unless_rung(waker, event.get(), something_else, [&] {
    slept = true;
    during(event.get());
  });
  EXPECT_FALSE(readable(event.get(), 0));  // a wake-up never outlives its sleep
  return slept;
}

TEST(Doorbell, IsRungUntilSomebodyLooks) {
  Doorbell doorbell;
  EXPECT_FALSE(doorbell.rung());
  doorbell.ring();
  EXPECT_TRUE(doorbell.rung());
  doorbell.ring();
  doorbell.look();
  EXPECT_FALSE(doorbell.rung());
}

TEST(Doorbell, NotifiesOnceForABurst) {
  Doorbell doorbell;
  Counting notifier;
  doorbell.set_notifier(&notifier);
  EXPECT_TRUE(doorbell.has_notifier());
  for (int i = 0; i < 3; ++i) doorbell.ring();
  EXPECT_EQ(notifier.count, 1);
  doorbell.look();
  doorbell.ring();
  EXPECT_EQ(notifier.count, 2);
}

TEST(Doorbell, NotifiesNobodyAfterTheNotifierHasLeft) {
  Doorbell doorbell;
  Counting notifier;
  doorbell.set_notifier(&notifier);
  doorbell.set_notifier(nullptr);
  EXPECT_FALSE(doorbell.has_notifier());
  doorbell.ring();
  EXPECT_EQ(notifier.count, 0);
}

TEST(Doorbell, DoesNotSleepIfItHasRung) {
  Doorbell doorbell;
  doorbell.ring();
  EXPECT_FALSE(sleep(doorbell, kNothingElse, [](int) {}));
}

TEST(Doorbell, DoesNotSleepIfSomethingElseHasCome) {
  Doorbell doorbell;
  EXPECT_FALSE(sleep(
      doorbell, [] { return true; }, [](int) {}));
}

TEST(Doorbell, WakesWhoSleeps) {
  Doorbell doorbell;
  EXPECT_TRUE(sleep(doorbell, kNothingElse, [&](int event) {
    EXPECT_FALSE(readable(event, 0));
    doorbell.ring();
    EXPECT_TRUE(readable(event, 0));
  }));
}

TEST(Doorbell, TellsTheNotifierInPlaceOfWhoSleeps) {
  Doorbell doorbell;
  Counting notifier;
  doorbell.set_notifier(&notifier);
  EXPECT_TRUE(sleep(doorbell, kNothingElse, [&](int event) {
    doorbell.ring();
    EXPECT_FALSE(readable(event, 0));
  }));
  EXPECT_EQ(notifier.count, 1);
}

TEST(Doorbell, WakesNobodyAfterASleep) {
  Doorbell doorbell;
  EXPECT_TRUE(sleep(doorbell, kNothingElse, [](int) {}));
  doorbell.ring();  // nobody is there; the next sleep sees it
  EXPECT_FALSE(sleep(doorbell, kNothingElse, [](int) {}));
}

// All work is seen, though the loop sleeps without a timeout.
TEST(DoorbellRace, NoWorkIsSleptThrough) {
  constexpr int kBringers = 3;
  constexpr int kEach = 10'000;
  Doorbell doorbell;
  std::atomic<int> work{0};
  std::vector<std::thread> bringers;
  for (int i = 0; i < kBringers; ++i) {
    bringers.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) {
        work.fetch_add(1);
        doorbell.ring();
        if (j % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (int done = 0; done < kBringers * kEach;) {
    doorbell.look();
    const int found = work.exchange(0);
    done += found;
    if (found == 0) sleep(doorbell, kNothingElse, [](int event) { readable(event, -1); });
  }
  for (std::thread& bringer : bringers) bringer.join();
  EXPECT_EQ(work, 0);
}

// A host comes and goes while others ring: once set_notifier() has returned, the former is left
// alone, so that it may die.
TEST(DoorbellRace, ANotifierThatHasLeftIsNotCalled) {
  constexpr int kHosts = 200;
  Doorbell doorbell;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        doorbell.ring();
        std::this_thread::yield();
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      doorbell.look();
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < kHosts; ++i) {
    Counting host;
    doorbell.set_notifier(&host);
    std::this_thread::yield();
    doorbell.set_notifier(nullptr);
    const int calls = host.count;
    std::this_thread::yield();
    EXPECT_EQ(host.count, calls);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ep::io
