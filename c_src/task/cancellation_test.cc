#include "task/cancellation.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/fake_attached.h"
#include "base/inbox.h"

namespace ep::task {
namespace {

using Stage = Cancellation::Stage;

class FakeWork final : public Unwanted {
 public:
  void post_to_janitor(Job& job) noexcept override { keep_for(janitor, job); }
  void release() noexcept override { --references; }
  Code interrupt_code(const Attached&) noexcept override {
    if (!code_runs) return Code::kDoesNotRun;
    ++interruptions;
    return Code::kInterrupted;
  }
  bool has_task() const noexcept override { return is_task; }
  bool is_step_running(const Attached&) const noexcept override { return step_runs; }
  void look_again_at(const Attached&, Nanos time) noexcept override { second_look = time; }
  void post_to_loop(Job& job) noexcept override { keep_for(loop, job); }
  void end_task(const Attached&) noexcept override { ++cancelled_tasks; }

  bool code_runs = false;
  bool is_task = false;
  bool step_runs = false;
  Inbox janitor;
  Inbox loop;
  std::atomic<int> references{0};
  int interruptions = 0;
  int cancelled_tasks = 0;
  Nanos second_look = kNever;
  Cancellation cancellation{*this};

 private:
  void keep_for(Inbox& inbox, Job& job) noexcept {
    ++references;
    abandon(inbox.post(JobPtr(&job)));
  }
};

bool run_one(Inbox& inbox) {
  const JobPtr job = inbox.take();
  if (job) job->run(Attached());
  return job != nullptr;
}

TEST(Cancellation, WhatHasNotBegunNeedsNothing) {
  FakeWork work;
  work.cancellation.begin();
  EXPECT_EQ(work.cancellation.stage(), Stage::kWithJanitor);
  EXPECT_EQ(work.references, 1);
  EXPECT_TRUE(run_one(work.janitor));
  EXPECT_EQ(work.cancellation.stage(), Stage::kDone);
  EXPECT_EQ(work.references, 0);
  EXPECT_FALSE(run_one(work.loop));
}

TEST(Cancellation, CodeThatRunsIsInterruptedAndItsTaskLeftToIt) {
  FakeWork work;
  work.code_runs = true;
  work.is_task = true;  // which the code has just made
  work.cancellation.begin();
  EXPECT_TRUE(run_one(work.janitor));
  EXPECT_EQ(work.interruptions, 1);
  EXPECT_EQ(work.cancellation.stage(), Stage::kDone);
  EXPECT_FALSE(run_one(work.loop));
  EXPECT_EQ(work.references, 0);
}

TEST(Cancellation, ATaskIsCancelledByItsLoop) {
  FakeWork work;
  work.is_task = true;
  work.cancellation.begin();
  EXPECT_TRUE(run_one(work.janitor));
  EXPECT_EQ(work.cancellation.stage(), Stage::kWithLoop);
  EXPECT_EQ(work.cancelled_tasks, 0);
  EXPECT_EQ(work.second_look, kNever);
  EXPECT_TRUE(run_one(work.loop));
  EXPECT_EQ(work.cancellation.stage(), Stage::kDone);
  EXPECT_EQ(work.cancelled_tasks, 1);
  EXPECT_EQ(work.references, 0);
}

TEST(Cancellation, AStepThatRunsIsLookedAtAgain) {
  FakeWork work;
  work.is_task = true;
  work.step_runs = true;
  const Nanos before = now();
  work.cancellation.begin();
  EXPECT_TRUE(run_one(work.janitor));
  EXPECT_GE(work.second_look, before + kStuckAfter);
  EXPECT_LE(work.second_look, now() + kStuckAfter);
  EXPECT_TRUE(run_one(work.loop));
  EXPECT_EQ(work.cancelled_tasks, 1);
}

TEST(Cancellation, ALoopThatHasClosedCancelsItsTasksItself) {
  FakeWork work;
  work.is_task = true;
  work.loop.close();
  work.cancellation.begin();
  EXPECT_TRUE(run_one(work.janitor));
  EXPECT_EQ(work.cancellation.stage(), Stage::kDone);
  EXPECT_EQ(work.cancelled_tasks, 0);
  EXPECT_EQ(work.references, 0);
}

TEST(Cancellation, OnlyTheFirstTimeCounts) {
  FakeWork work;
  for (int i = 0; i < 3; ++i) work.cancellation.begin();
  EXPECT_EQ(work.references, 1);
  EXPECT_TRUE(run_one(work.janitor));
  work.cancellation.begin();
  EXPECT_FALSE(run_one(work.janitor));
  EXPECT_EQ(work.references, 0);
}

/// Two threads cancel, the janitor's and the loop's carry it out, and the loop may close.
TEST(CancellationRace, ATaskIsCancelledOnceOrItsLoopHasClosed) {
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    FakeWork work;
    work.is_task = true;
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back([&] { work.cancellation.begin(); });
    threads.emplace_back([&] {
      while (!run_one(work.janitor)) std::this_thread::yield();
      over = true;
    });
    bool closed = false;
    while (!over || !work.loop.empty()) {
      run_one(work.loop);
      if (round % 2 == 1 && !closed) {
        work.loop.close();
        closed = true;
      }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(work.cancellation.stage(), Stage::kDone);
    EXPECT_EQ(work.references, 0);
    EXPECT_LE(work.cancelled_tasks, 1);
    if (round % 2 == 0) {
      EXPECT_EQ(work.cancelled_tasks, 1);
    }
  }
}

}  // namespace
}  // namespace ep::task
