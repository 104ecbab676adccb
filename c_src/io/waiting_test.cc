#include "io/waiting.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/fake_attached.h"
#include "base/unique_fd.h"

namespace ep::io {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  void write() const { EXPECT_EQ(::write(write_end.get(), "x", 1), 1); }

  UniqueFd read_end;
  UniqueFd write_end;
};

struct Nobody final : Watcher {};

struct Host final : ThreadHost {
  Waker& waker() noexcept override { return its_waker; }
  bool has_jobs() const noexcept override { return jobs.load() > 0; }
  bool run_jobs(const Attached&) noexcept override { return true; }
  void forget_interruption() noexcept override {}

  Waker its_waker;
  std::atomic<int> jobs{0};
};

TEST(Waiting, SleepEndsAtTheDeadline) {
  Waiting waiting(0);
  waiting.sleep(nullptr, now());
  EXPECT_FALSE(waiting.poller().collected());
}

TEST(Waiting, SleepEndsWhenADescriptorIsReady) {
  Waiting waiting(0);
  const Pipe pipe;
  Nobody watcher;
  ASSERT_EQ(waiting.poller().watch(watcher, pipe.read_end.get(), kRead), 0);
  pipe.write();
  waiting.sleep(nullptr, kNever);
  EXPECT_TRUE(waiting.poller().collected());
  waiting.poller().unwatch(watcher);
}

TEST(Waiting, SleepEndsWithARing) {
  Waiting waiting(0);
  std::thread other([&] { waiting.doorbell().ring(); });
  waiting.sleep(nullptr, kNever);
  EXPECT_TRUE(waiting.doorbell().rung());
  other.join();
}

TEST(Waiting, SleepEndsWithAJobForTheHost) {
  Waiting waiting(0);
  Host host;
  std::thread other([&] {
    host.jobs = 1;
    host.its_waker.wake();
  });
  waiting.sleep(&host, kNever);
  EXPECT_TRUE(host.has_jobs());
  other.join();
}

TEST(Waiting, SpinSeesWhatHasCome) {
  Waiting waiting(kSecond);
  EXPECT_TRUE(waiting.spin(nullptr, now()));
  Host host;
  host.jobs = 1;
  EXPECT_TRUE(waiting.spin(&host, kNever));
  waiting.doorbell().ring();
  EXPECT_TRUE(waiting.spin(nullptr, kNever));
  waiting.doorbell().look();
  const Pipe pipe;
  Nobody watcher;
  ASSERT_EQ(waiting.poller().watch(watcher, pipe.read_end.get(), kRead), 0);
  pipe.write();
  // It has nothing to go by yet, so it tries now and then only.
  while (!waiting.spin(nullptr, kNever)) {
  }
  EXPECT_TRUE(waiting.poller().collected());
  waiting.poller().unwatch(watcher);
}

TEST(Waiting, NeverSpinsIfItMustNot) {
  Waiting waiting(0);
  EXPECT_FALSE(waiting.spin(nullptr, now() + kSecond));
}

TEST(Waiting, TicksAskForWatchedDescriptorsEachTime) {
  Waiting waiting(0);
  const Pipe pipe;
  Nobody watcher;
  ASSERT_EQ(waiting.poller().watch(watcher, pipe.read_end.get(), kRead), 0);
  waiting.poll();
  EXPECT_FALSE(waiting.poller().collected());
  pipe.write();
  waiting.poll();
  EXPECT_TRUE(waiting.poller().collected());
  waiting.poller().unwatch(watcher);
}

TEST(Waiting, TicksAskForTheLoopsOwnDescriptorsNowAndThen) {
  Waiting waiting(0);
  const Pipe pipe;
  Nobody watcher;
  ASSERT_EQ(waiting.poller().watch(watcher, pipe.read_end.get(), kRead, true), 0);
  pipe.write();
  int ticks = 0;
  while (!waiting.poller().collected()) {
    waiting.poll();
    ++ticks;
  }
  EXPECT_GT(ticks, 1);
  waiting.poller().unwatch(watcher);
}

}  // namespace
}  // namespace ep::io
