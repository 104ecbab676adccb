#include "base/waker.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "base/unique_fd.h"

namespace ep {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, timeout_ms) == 1;
}

TEST(Waker, CostsNothingWhileTheThreadIsAwake) {
  Waker waker;
  const UniqueFd event(new_eventfd());
  waker.wake();
  EXPECT_FALSE(readable(event.get(), 0));
}

TEST(Waker, MakesTheArmedDescriptorReadableOnceAndDisarmReadsIt) {
  Waker waker;
  const UniqueFd event(new_eventfd());
  waker.arm(event.get());
  EXPECT_FALSE(readable(event.get(), 0));
  waker.wake();
  waker.wake();
  EXPECT_TRUE(readable(event.get(), 0));
  waker.disarm(event.get());
  EXPECT_FALSE(readable(event.get(), 0));
  waker.wake();
  EXPECT_FALSE(readable(event.get(), 0));
}

TEST(Waker, CanBeDisarmedUnwoken) {
  Waker waker;
  const UniqueFd event(new_eventfd());
  waker.arm(event.get());
  waker.disarm(event.get());
  waker.wake();
  EXPECT_FALSE(readable(event.get(), 0));
}

// Every piece of work is seen, though the sleeper sleeps without a timeout.
TEST(Waker, LosesNoWakeUp) {
  constexpr int kRounds = 20'000;
  Waker waker;
  const UniqueFd event(new_eventfd());
  std::atomic<int> work{0};
  std::jthread worker([&] {
    for (int i = 0; i < kRounds; ++i) {
      work.fetch_add(1);
      waker.wake();
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  int done = 0;
  while (done < kRounds) {
    waker.arm(event.get());
    if (work.load() == done) readable(event.get(), -1);
    waker.disarm(event.get());
    done = work.load();
  }
  EXPECT_EQ(done, kRounds);
}

}  // namespace
}  // namespace ep
