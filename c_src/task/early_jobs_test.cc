#include "task/early_jobs.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/fake_attached.h"
#include "base/inbox.h"

namespace ep::task {
namespace {

using State = EarlyJobs::State;

struct Fates {
  std::vector<int> ran;
  std::vector<int> abandoned;
};

class Numbered final : public Job {
 public:
  Numbered(Fates& fates, int its_number) : number(its_number), fates_(fates) {}
  void run(const Attached&) noexcept override { fates_.ran.push_back(number); }
  void abandon() noexcept override { fates_.abandoned.push_back(number); }

  const int number;

 private:
  Fates& fates_;
};

constexpr auto kNothing = [] {};

TEST(EarlyJobs, AreHandedOverInTheOrderOfTheirComing) {
  Fates fates;
  EarlyJobs early;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(early.add(make_job<Numbered>(fates, i)), nullptr);
  early.open([](const JobPtr& job) { job->run(Attached()); }, [&] { fates.ran.push_back(99); });
  EXPECT_EQ(fates.ran, (std::vector<int>{0, 1, 2, 99}));
  EXPECT_EQ(early.state(), State::kOpen);
  EXPECT_NE(early.add(make_job<Numbered>(fates, 4)), nullptr);
  EXPECT_TRUE(early.close().empty());
}

TEST(EarlyJobs, AreGivenToWhoeverCloses) {
  Fates fates;
  EarlyJobs early;
  EXPECT_EQ(early.add(make_job<Numbered>(fates, 1)), nullptr);
  EXPECT_EQ(early.close().size(), 1U);
  EXPECT_EQ(early.state(), State::kClosed);
  EXPECT_NE(early.add(make_job<Numbered>(fates, 2)), nullptr);
  early.open([](const JobPtr&) { FAIL(); }, kNothing);
  EXPECT_EQ(early.state(), State::kClosed);
}

TEST(EarlyJobs, AfterALoopThatCouldNotBeMadeOthersMayCome) {
  Fates fates;
  EarlyJobs early;
  EXPECT_EQ(early.add(make_job<Numbered>(fates, 1)), nullptr);
  EXPECT_EQ(early.take(kNothing).size(), 1U);
  EXPECT_EQ(early.state(), State::kWaiting);
  EXPECT_EQ(early.add(make_job<Numbered>(fates, 2)), nullptr);
  EXPECT_EQ(early.take(kNothing).size(), 1U);
}

/// Somebody posts, to wherever it has to go, while the loop is made.
TEST(EarlyJobsRace, NoJobIsLostAndTheOrderIsKept) {
  constexpr int kRounds = 300;
  constexpr int kJobs = 50;
  for (int round = 0; round < kRounds; ++round) {
    Fates fates;
    EarlyJobs early;
    Inbox loop;
    std::thread poster([&] {
      for (int i = 0; i < kJobs; ++i) {
        JobPtr refused = early.add(make_job<Numbered>(fates, i));
        if (refused) abandon(loop.post(std::move(refused)));
      }
    });
    early.open([&](JobPtr job) { abandon(loop.post(std::move(job))); }, kNothing);
    poster.join();
    while (const JobPtr job = loop.take()) job->run(Attached());
    ASSERT_EQ(fates.ran.size(), static_cast<std::size_t>(kJobs));
    for (int i = 0; i < kJobs; ++i) EXPECT_EQ(fates.ran[static_cast<std::size_t>(i)], i);
  }
}

}  // namespace
}  // namespace ep::task
