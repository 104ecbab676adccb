#include "task/shared_poller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <set>
#include <thread>

namespace ep::task {
namespace {

using Added = PollSet::Added;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// As the VM's: closes what it is asked to remove.
class FakePollSet final : public PollSet {
 public:
  Added add(int fd) noexcept override {
    EXPECT_TRUE(is_open(fd));
    offered = fd;
    if (full) return Added::kNo;
    fds.insert(fd);
    return Added::kYes;
  }
  void remove(int fd) noexcept override {
    EXPECT_EQ(fds.erase(fd), 1U);
    EXPECT_EQ(::close(fd), 0);
  }

  bool full = false;
  int offered = -1;
  std::set<int> fds;
};

class SharedPollerTest : public testing::Test {
 protected:
  ~SharedPollerTest() override { EXPECT_TRUE(polls_.fds.empty()); }

  const UniqueFd poller_{::eventfd(0, EFD_CLOEXEC)};
  const UniqueFd other_poller_{::eventfd(0, EFD_CLOEXEC)};
  FakePollSet polls_;
  SharedPoller shared_;
};

TEST_F(SharedPollerTest, WithoutAPollerThereIsNothingToWaitFor) {
  EXPECT_EQ(shared_.arm(polls_), Added::kNo);
  shared_.release(polls_);
}

TEST_F(SharedPollerTest, TheVmGetsADuplicateThatItKeeps) {
  shared_.share(poller_.get());
  EXPECT_EQ(shared_.arm(polls_), Added::kYes);
  ASSERT_EQ(polls_.fds.size(), 1U);
  EXPECT_NE(*polls_.fds.begin(), poller_.get());
  shared_.share(poller_.get());
  EXPECT_EQ(shared_.arm(polls_), Added::kYes);
  EXPECT_EQ(polls_.fds.size(), 1U);
  shared_.release(polls_);
  EXPECT_TRUE(is_open(poller_.get()));
}

TEST_F(SharedPollerTest, WhatTheVmNeverHadIsClosedByUs) {
  polls_.full = true;
  {
    SharedPoller shared;
    shared.share(poller_.get());
    EXPECT_EQ(shared.arm(polls_), Added::kNo);
    EXPECT_TRUE(is_open(polls_.offered));
  }
  EXPECT_FALSE(is_open(polls_.offered));
}

TEST_F(SharedPollerTest, ANewPollerDescriptorReplacesTheFormer) {
  shared_.share(poller_.get());
  EXPECT_EQ(shared_.arm(polls_), Added::kYes);
  const int former = *polls_.fds.begin();
  shared_.share(other_poller_.get());
  EXPECT_TRUE(is_open(former));  // until the VM has been asked
  EXPECT_EQ(shared_.arm(polls_), Added::kYes);
  EXPECT_FALSE(is_open(former));
  EXPECT_EQ(polls_.fds.size(), 1U);
  shared_.release(polls_);
}

TEST_F(SharedPollerTest, WhatIsReleasedElsewhereIsKeptForAThreadOfTheVms) {
  shared_.share(poller_.get());
  EXPECT_EQ(shared_.arm(polls_), Added::kYes);
  shared_.release();
  EXPECT_EQ(polls_.fds.size(), 1U);
  shared_.release(polls_);
  EXPECT_TRUE(polls_.fds.empty());
}

TEST_F(SharedPollerTest, AfterTheReleaseNothingIsSharedOrArmed) {
  shared_.share(poller_.get());
  shared_.release(polls_);
  EXPECT_EQ(shared_.arm(polls_), Added::kNo);
  shared_.share(poller_.get());
  EXPECT_EQ(shared_.arm(polls_), Added::kNo);
  shared_.release(polls_);
}

/// The loop's thread, whose poller changes, the worker, and somebody who closes the loop.
TEST(SharedPollerRace, EveryDuplicateIsClosedOnce) {
  constexpr int kRounds = 200;
  const UniqueFd pollers[] = {UniqueFd(::eventfd(0, EFD_CLOEXEC)),
                              UniqueFd(::eventfd(0, EFD_CLOEXEC))};
  for (int round = 0; round < kRounds; ++round) {
    FakePollSet polls;
    SharedPoller shared;
    std::atomic<int> shares{0};
    std::thread loop([&] {
      for (int i = 0; i < 20; ++i, ++shares) shared.share(pollers[i % 2].get());
    });
    std::thread closer([&] {
      while (shares < round % 20) std::this_thread::yield();
      shared.release();
    });
    for (int i = 0; i < 20; ++i) {
      if (shared.arm(polls) == Added::kYes) {
        // One that the loop has let go of meanwhile is removed by the next to come along.
        EXPECT_GE(polls.fds.size(), 1U);
        EXPECT_LE(polls.fds.size(), 2U);
      }
    }
    loop.join();
    closer.join();
    shared.release(polls);
    EXPECT_TRUE(polls.fds.empty());
  }
}

}  // namespace
}  // namespace ep::task
