#include "io/epoll_poller.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

#include "base/waker.h"

namespace ep::io {
namespace {

class Recorder final : public Watcher {
 public:
  void on_ready(Events ready) {
    events.push_back(ready);
    if (action) action();
  }
  std::vector<Events> take() { return std::exchange(events, {}); }

  std::vector<Events> events;
  std::function<void()> action;
};

struct SocketPair {
  SocketPair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
  }
  void send() { EXPECT_EQ(::write(theirs.get(), "x", 1), 1); }
  void receive() {
    char byte;
    EXPECT_EQ(::read(ours.get(), &byte, 1), 1);
  }
  UniqueFd ours, theirs;
};

using Reports = std::vector<Events>;
const Events kBoth = kRead | kWrite;

class EpollPollerTest : public testing::Test {
 protected:
  void poll() {
    poller.collect_now();
    dispatch();
  }
  void dispatch() {
    while (const Ready ready = poller.take()) {
      static_cast<Recorder*>(ready.watcher)->on_ready(ready.events);
    }
  }
  int watch(Recorder& watcher, const UniqueFd& fd, Events interest) {
    return poller.watch(watcher, fd.get(), interest, false);
  }

  EpollPoller poller;
  Recorder recorder;
  SocketPair pair;
};

TEST_F(EpollPollerTest, OpensItsDescriptorWithTheFirstWatcher) {
  EXPECT_EQ(poller.descriptor(), -1);
  poll();
  EXPECT_EQ(poller.descriptor(), -1);
  EXPECT_EQ(watch(recorder, pair.ours, kRead), 0);
  EXPECT_GE(poller.descriptor(), 0);
  EXPECT_EQ(poller.watched(), 1U);
  poller.unwatch(recorder);
  EXPECT_EQ(poller.watched(), 0U);
}

TEST_F(EpollPollerTest, ReportsReadinessForAsLongAsItLasts) {
  watch(recorder, pair.ours, kRead);
  poll();
  EXPECT_EQ(recorder.take(), Reports{});
  pair.send();
  poll();
  poll();
  EXPECT_EQ(recorder.take(), (Reports{kRead, kRead}));
  pair.receive();
  poll();
  EXPECT_EQ(recorder.take(), Reports{});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, ReportsOnlyWhatIsWanted) {
  pair.send();
  watch(recorder, pair.ours, kWrite);
  poll();
  EXPECT_EQ(recorder.take(), Reports{kWrite});
  watch(recorder, pair.ours, kBoth);
  poll();
  EXPECT_EQ(recorder.take(), Reports{kBoth});
  watch(recorder, pair.ours, kRead);
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, APausedWatcherIsQuietAndResumes) {
  pair.send();
  watch(recorder, pair.ours, kRead);
  watch(recorder, pair.ours, kNothing);
  poll();
  EXPECT_EQ(recorder.take(), Reports{});
  // By now the kernel has been told, so the descriptor keeps nobody awake.
  poller.collect_now();
  EXPECT_FALSE(poller.collected());
  watch(recorder, pair.ours, kRead);
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, HangUpIsBothDirectionsBusiness) {
  watch(recorder, pair.ours, kRead);
  pair.theirs.reset();
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  watch(recorder, pair.ours, kBoth);
  poll();
  EXPECT_EQ(recorder.take(), Reports{kBoth});
  watch(recorder, pair.ours, kNothing);
  poll();
  poller.collect_now();
  EXPECT_FALSE(poller.collected());
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, APipeWithoutReadersIsReportedToItsWriter) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  std::array<char, 4096> block{};
  while (::write(writer.get(), block.data(), block.size()) > 0) {
  }
  watch(recorder, writer, kWrite);
  poll();
  EXPECT_EQ(recorder.take(), Reports{});
  reader.reset();
  poll();
  EXPECT_EQ(recorder.take(), Reports{kWrite});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, RefusesWhatCanNotBeWatched) {
  EXPECT_EQ(poller.watch(recorder, -1, kRead, false), EBADF);
  watch(recorder, pair.ours, kRead);  // opens its own descriptors, whose numbers then stay taken
  poller.unwatch(recorder);
  const int closed = ::dup(pair.ours.get());
  ::close(closed);
  EXPECT_EQ(poller.watch(recorder, closed, kRead, false), EBADF);
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(poller.watch(recorder, ::fileno(file), kRead, false), EPERM);
  EXPECT_EQ(recorder.watched_fd(), -1);
  EXPECT_EQ(poller.watched(), 0U);
  std::fclose(file);
}

TEST_F(EpollPollerTest, InternalWatchersAreNotCounted) {
  EXPECT_EQ(poller.watch(recorder, pair.ours.get(), kRead, true), 0);
  EXPECT_EQ(poller.watched(), 0U);
  pair.send();
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
  EXPECT_EQ(poller.watched(), 0U);
}

TEST_F(EpollPollerTest, AnUnwatchedWatcherHearsNothingOfWhatWasCollected) {
  SocketPair other;
  Recorder second;
  watch(recorder, pair.ours, kRead);
  watch(second, other.ours, kRead);
  pair.send();
  other.send();
  poller.collect_now();
  // Whichever comes first stops the other, and is then stopped itself.
  recorder.action = [&] { poller.unwatch(second); };
  second.action = [&] { poller.unwatch(recorder); };
  dispatch();
  EXPECT_EQ(recorder.events.size() + second.events.size(), 1U);
  poller.unwatch(recorder);
  poller.unwatch(second);
}

TEST_F(EpollPollerTest, WhatWasCollectedForOneWatcherNeverReachesTheNext) {
  watch(recorder, pair.ours, kRead);
  pair.send();
  poller.collect_now();
  poller.unwatch(recorder);
  Recorder next;
  watch(next, pair.ours, kWrite);
  dispatch();
  EXPECT_EQ(next.take(), Reports{});
  poll();
  EXPECT_EQ(next.take(), Reports{kWrite});
  poller.unwatch(next);
}

TEST_F(EpollPollerTest, ADescriptorClosedBehindItsBackIsHarmless) {
  watch(recorder, pair.ours, kRead);
  pair.ours.reset();
  poll();
  EXPECT_EQ(recorder.take(), Reports{});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, AReusedNumberCanBeWatchedByAnother) {
  watch(recorder, pair.ours, kRead);
  const int number = pair.ours.get();
  pair.ours.reset();
  SocketPair fresh;
  ASSERT_EQ(::dup2(fresh.ours.get(), number), number);
  const UniqueFd reused(number);
  Recorder next;
  EXPECT_EQ(watch(next, reused, kRead), 0);
  EXPECT_EQ(recorder.watched_fd(), -1);
  EXPECT_EQ(poller.watched(), 1U);
  fresh.send();
  poll();
  EXPECT_EQ(next.take(), Reports{kRead});
  poller.unwatch(recorder);  // too late to do harm
  poll();
  EXPECT_EQ(next.take(), Reports{kRead});
  EXPECT_EQ(recorder.take(), Reports{});
  poller.unwatch(next);
}

TEST_F(EpollPollerTest, AReusedNumberIsRegisteredAnewAfterUnwatching) {
  watch(recorder, pair.ours, kRead);
  const int number = pair.ours.get();
  pair.ours.reset();
  SocketPair fresh;
  ASSERT_EQ(::dup2(fresh.ours.get(), number), number);
  const UniqueFd reused(number);
  poller.unwatch(recorder);
  EXPECT_EQ(watch(recorder, reused, kRead), 0);
  fresh.send();
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
}

// epoll goes on reporting a file that lives on in a duplicate after its number was closed.
TEST_F(EpollPollerTest, AGhostDoesNotKeepItAwake) {
  SocketPair other;
  Recorder second;
  watch(recorder, pair.ours, kRead);
  watch(second, other.ours, kRead);
  const UniqueFd duplicate(::dup(pair.ours.get()));
  pair.ours.reset();
  poller.unwatch(recorder);
  pair.send();
  const int before = poller.descriptor();
  poll();
  EXPECT_NE(poller.descriptor(), before);
  poller.collect_now();
  EXPECT_FALSE(poller.collected());
  EXPECT_EQ(recorder.take(), Reports{});
  other.send();
  poll();
  EXPECT_EQ(second.take(), Reports{kRead});
  poller.unwatch(second);
}

TEST_F(EpollPollerTest, WatchesHighNumbers) {
  const UniqueFd high(::fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 1023));
  ASSERT_TRUE(high) << "needs a descriptor limit above 1024";
  EXPECT_EQ(watch(recorder, high, kRead), 0);
  pair.send();
  poll();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, ReportsMoreThanOneBatchInTheEnd) {
  constexpr std::size_t kMany = 300;
  std::vector<SocketPair> pairs(kMany);
  std::vector<Recorder> recorders(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(watch(recorders[i], pairs[i].ours, kRead), 0);
    pairs[i].send();
  }
  for (int round = 0; round < 10; ++round) poll();
  for (Recorder& each : recorders) {
    EXPECT_GE(each.events.size(), 1U);
    poller.unwatch(each);
  }
}

TEST_F(EpollPollerTest, DoesNotReturnBeforeTheDeadline) {
  const Nanos deadline = now() + 2 * kMillisecond;
  while (now() < deadline) poller.collect(deadline);  // no descriptor yet: waits for its eventfd
  EXPECT_FALSE(poller.collected());
  watch(recorder, pair.ours, kRead);
  const Nanos later = now() + 2 * kMillisecond;
  poller.collect(later);
  EXPECT_GE(now(), later);
  EXPECT_FALSE(poller.collected());
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, ReturnsAtOnceForADeadlineInThePast) {
  watch(recorder, pair.ours, kRead);
  pair.send();
  poller.collect(0);
  EXPECT_TRUE(poller.collected());
  dispatch();
  EXPECT_EQ(recorder.take(), Reports{kRead});
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, IsWokenFromAnotherThread) {
  for (const bool with_descriptors : {false, true}) {
    if (with_descriptors) watch(recorder, pair.ours, kRead);
    Waker waker;
    std::atomic<bool> work{false};
    waker.arm(poller.wake_descriptor());
    std::jthread other([&] {
      work = true;
      waker.wake();
    });
    if (!work) poller.collect(kNever);
    waker.disarm(poller.wake_descriptor());
    EXPECT_TRUE(work);
    EXPECT_FALSE(poller.collected());
  }
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, ItsDescriptorIsReadableWhenAWatchedOneIsReady) {
  watch(recorder, pair.ours, kRead);
  pollfd waiting{poller.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  pair.send();
  EXPECT_EQ(::poll(&waiting, 1, 0), 1);
  pair.receive();
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  poller.unwatch(recorder);
}

TEST_F(EpollPollerTest, AfterClosingNothingCanBeWatched) {
  watch(recorder, pair.ours, kRead);
  pair.send();
  poller.collect_now();
  poller.close();
  EXPECT_FALSE(poller.collected());
  EXPECT_EQ(poller.descriptor(), -1);
  Recorder second;
  SocketPair other;
  EXPECT_EQ(watch(second, other.ours, kRead), EBADF);
  poller.unwatch(recorder);
  EXPECT_EQ(poller.watched(), 0U);
}

}  // namespace
}  // namespace ep::io
