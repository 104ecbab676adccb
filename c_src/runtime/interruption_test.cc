#include "runtime/interruption.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ep {
namespace {

/// Stands for a thread's interpreter: exceptions are positive numbers.
class FakeInterpreter final : public Interruption<int>::Thrower {
 public:
  void hand_in(int exception) noexcept override { held_.store(exception); }
  void take_back() noexcept override { held_.store(kNone); }
  bool has_raised() const noexcept override { return held_.load() == kNone; }

  /// The thread runs a bytecode: what is raised there, or 0.
  int step() noexcept { return held_.exchange(kNone); }
  int held() const noexcept { return held_.load(); }

 private:
  static constexpr int kNone = 0;
  std::atomic<int> held_{kNone};
};

class Call final : public Work {
 public:
  Work& host() noexcept override { return *this; }
};

using Machine = Interruption<int>;
using State = Machine::State;
using Asked = Machine::Asked;
using Reach = Machine::Reach;
using Frame = Machine::Frame;
using Ticket = Machine::Ticket;

constexpr std::uint64_t kChain = 7;

class InterruptionTest : public testing::Test {
 protected:
  FakeInterpreter python_;
  Machine machine_{python_};
  Call call_;
  Call other_;
};

TEST_F(InterruptionTest, NothingRunsNothingIsInterrupted) {
  EXPECT_EQ(machine_.work(), nullptr);
  EXPECT_EQ(machine_.innermost(), Ticket::kNone);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNotHere);
  EXPECT_EQ(machine_.ask(Ticket{1}, 1), Asked::kNotHere);
  EXPECT_EQ(machine_.ask_innermost(1), Asked::kNotHere);
  EXPECT_EQ(machine_.again(1), Machine::Again::kNotOurs);
  EXPECT_EQ(machine_.take_for_wait(), std::nullopt);
  EXPECT_EQ(machine_.take_for_loop(), std::nullopt);
  machine_.settle();
  EXPECT_EQ(machine_.state(), State::kUntouched);
  EXPECT_EQ(python_.held(), 0);
}

TEST_F(InterruptionTest, WhatRunsIsInterruptedAtItsNextBytecode) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.work(), &call_);
  EXPECT_EQ(python_.step(), 0);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(machine_.state(), State::kPending);
  EXPECT_EQ(python_.step(), 1);
  EXPECT_EQ(python_.step(), 0);
}

TEST_F(InterruptionTest, WhatIsNotDeliveredIsTakenBackAtTheEnd) {
  {
    const Frame frame(machine_, call_, 0, Reach::kByName);
    EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  }
  EXPECT_EQ(python_.step(), 0);
  EXPECT_EQ(machine_.state(), State::kUntouched);
  const Frame next(machine_, other_, 0, Reach::kByName);
  EXPECT_EQ(python_.step(), 0);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNotHere);
}

TEST_F(InterruptionTest, WaitsForTheEndOfOtherWorkOnTop) {
  const Frame frame(machine_, call_, kChain, Reach::kByName);
  {
    const Frame above(machine_, other_, kChain + 1, Reach::kByName);
    EXPECT_EQ(machine_.ask(call_, kChain, 1), Asked::kLater);
    EXPECT_EQ(machine_.state(), State::kUntouched);
    EXPECT_EQ(python_.step(), 0);
  }
  EXPECT_EQ(machine_.state(), State::kPending);
  EXPECT_EQ(python_.step(), 1);
}

TEST_F(InterruptionTest, WorkOnTopThatWorksForItIsInterruptedToo) {
  const Frame frame(machine_, call_, kChain, Reach::kByName);
  {
    const Frame between(machine_, other_, 0, Reach::kByName);
    {
      const Frame above(machine_, other_, kChain, Reach::kByName);
      EXPECT_EQ(machine_.ask(call_, kChain, 1), Asked::kNow);
      EXPECT_EQ(python_.step(), 1);
    }
    EXPECT_EQ(python_.step(), 0);
  }
  EXPECT_EQ(python_.step(), 1);
}

TEST_F(InterruptionTest, ChainZeroIsNoChain) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  const Frame above(machine_, other_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kLater);
  EXPECT_EQ(python_.step(), 0);
}

/// Between the look for interruptions and the start of a job an interruption may come.
TEST_F(InterruptionTest, WorkThatComesOnTopIsNotHitByWhatWasMeantForTheWorkBelow) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  {
    const Frame above(machine_, other_, 0, Reach::kByName);
    EXPECT_EQ(machine_.state(), State::kUntouched);
    EXPECT_EQ(python_.step(), 0);
  }
  EXPECT_EQ(machine_.state(), State::kPending);
  EXPECT_EQ(python_.step(), 1);
}

TEST_F(InterruptionTest, WhatWasRaisedIsNotRaisedOnceMoreAfterWorkOnTop) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);
  { const Frame above(machine_, other_, 0, Reach::kByName); }
  EXPECT_EQ(machine_.state(), State::kRaised);
  EXPECT_EQ(python_.step(), 0);
}

TEST_F(InterruptionTest, AWaitTakesWhatIsPendingOnce) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.take_for_wait(), std::nullopt);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(machine_.take_for_wait(), 1);
  EXPECT_EQ(machine_.state(), State::kRaised);
  EXPECT_EQ(machine_.take_for_wait(), std::nullopt);
  EXPECT_EQ(python_.step(), 0);
}

TEST_F(InterruptionTest, AWaitDoesNotTakeWhatTheInterpreterHasRaised) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);
  EXPECT_EQ(machine_.take_for_wait(), std::nullopt);
  EXPECT_EQ(machine_.state(), State::kRaised);
}

TEST_F(InterruptionTest, ABlockingLoopRaisesWhatItsCallbacksMayHaveKept) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  machine_.settle();
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);  // in a callback
  EXPECT_EQ(machine_.take_for_loop(), 1);
  EXPECT_EQ(machine_.state(), State::kSettled);
  EXPECT_EQ(machine_.take_for_loop(), std::nullopt);
}

TEST_F(InterruptionTest, ABlockingLoopRaisesWhatAWaitInACallbackHasTaken) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(machine_.take_for_wait(), 1);
  { const Frame above(machine_, other_, 0, Reach::kByName); }
  EXPECT_EQ(machine_.take_for_loop(), 1);
}

TEST_F(InterruptionTest, ABlockingLoopRaisesWhatIsPending) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(machine_.take_for_loop(), 1);
  EXPECT_EQ(python_.step(), 0);
}

TEST_F(InterruptionTest, WhatWasRaisedBeforeALoopBeganIsNotForTheLoop) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);
  machine_.settle();
  EXPECT_EQ(machine_.take_for_loop(), std::nullopt);
  EXPECT_EQ(machine_.ask(call_, 0, 2), Asked::kNow);
  machine_.settle();  // still pending: that is for whoever comes
  EXPECT_EQ(machine_.take_for_loop(), 2);
}

TEST_F(InterruptionTest, WhatGotLostIsRaisedOnceMore) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.again(1), Machine::Again::kNotOurs);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);
  EXPECT_EQ(machine_.again(2), Machine::Again::kNotOurs);
  EXPECT_EQ(machine_.again(1), Machine::Again::kYes);
  EXPECT_EQ(python_.step(), 1);
  EXPECT_EQ(machine_.take_for_loop(), 1);
  EXPECT_EQ(machine_.again(1), Machine::Again::kYes);
  EXPECT_EQ(machine_.take_for_wait(), 1);
  EXPECT_EQ(machine_.again(1), Machine::Again::kYes);
  EXPECT_EQ(python_.step(), 1);
}

TEST_F(InterruptionTest, TheLastOneAskedForCounts) {
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNow);
  EXPECT_EQ(machine_.ask_innermost(2), Asked::kNow);
  EXPECT_EQ(python_.step(), 2);
  EXPECT_EQ(machine_.ask(call_, 0, 3), Asked::kNow);
  EXPECT_EQ(python_.step(), 3);
}

TEST_F(InterruptionTest, ATicketNamesOneFrameForEver) {
  Ticket first;
  {
    const Frame frame(machine_, call_, 0, Reach::kByName);
    first = machine_.innermost();
    EXPECT_NE(first, Ticket::kNone);
  }
  const Frame frame(machine_, call_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(first, 1), Asked::kNotHere);
  const Ticket second = machine_.innermost();
  EXPECT_NE(second, first);
  const Frame above(machine_, other_, 0, Reach::kByName);
  EXPECT_EQ(machine_.ask(second, 1), Asked::kLater);
  EXPECT_EQ(python_.step(), 0);
}

TEST_F(InterruptionTest, WhatCantBeMeantByNameIsInterruptedWithItsThreadOnly) {
  const Frame frame(machine_, call_, 0, Reach::kByThread);
  EXPECT_EQ(machine_.innermost(), Ticket::kNone);
  EXPECT_EQ(machine_.ask(call_, 0, 1), Asked::kNotHere);
  EXPECT_EQ(machine_.ask(Ticket::kNone, 1), Asked::kNotHere);
  EXPECT_EQ(machine_.ask_innermost(1), Asked::kNow);
  EXPECT_EQ(python_.step(), 1);
}

/// The thread runs calls, some with others on top; two threads interrupt whichever runs. An
/// exception carries the number of the call that it is meant for, which runs when it is raised.
TEST(InterruptionRace, NoExceptionHitsAnotherCallThanItsOwn) {
  constexpr int kCalls = 100;
  constexpr int kHits = 200;  // each may cost a turn of the scheduler
  FakeInterpreter python;
  Machine machine(python);
  std::vector<Call> calls(kCalls);
  std::atomic<int> running{0};
  std::atomic<bool> done{false};
  const auto interrupt = [&] {
    while (!done) {
      const int index = running.load();
      static_cast<void>(machine.ask(calls[static_cast<std::size_t>(index)], 0, index + 1));
      static_cast<void>(machine.ask(machine.innermost(), kCalls + 1));
      std::this_thread::yield();
    }
  };
  std::thread first(interrupt);
  std::thread second(interrupt);
  int hits = 0;
  const auto expect_mine = [&](std::optional<int> raised, int index) {
    if (!raised || *raised == 0) return;
    ++hits;
    EXPECT_TRUE(*raised == index + 1 || *raised == kCalls + 1) << *raised << " in " << index;
  };
  const auto run = [&](int index) {
    running = index;
    expect_mine(python.step(), index);
    expect_mine(machine.take_for_wait(), index);
    expect_mine(python.step(), index);
  };
  for (int index = 0; hits < kHits; index = (index + 2) % kCalls) {
    const Frame below(machine, calls[static_cast<std::size_t>(index)], 0, Reach::kByName);
    run(index);
    {
      const Frame above(machine, calls[static_cast<std::size_t>(index + 1)], 0, Reach::kByName);
      run(index + 1);
      std::this_thread::yield();
    }
    expect_mine(machine.take_for_loop(), index);
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(python.held(), 0);
}

}  // namespace
}  // namespace ep
