#include "base/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/fake_attached.h"

namespace ep {
namespace {

/// Counts what becomes of jobs.
struct Fates {
  std::atomic<int> ran{0};
  std::atomic<int> abandoned{0};
  std::atomic<int> deleted{0};
};

class Counted final : public Job {
 public:
  explicit Counted(Fates& fates) : fates_(fates) {}
  ~Counted() override { ++fates_.deleted; }
  void run(const Attached&) noexcept override { ++fates_.ran; }
  void abandon() noexcept override { ++fates_.abandoned; }

 private:
  Fates& fates_;
};

TEST(Inbox, GivesJobsInTheOrderOfPosting) {
  Fates fates;
  Inbox inbox;
  std::vector<Job*> posted;
  for (int i = 0; i < 3; ++i) {
    JobPtr job = make_job<Counted>(fates);
    posted.push_back(job.get());
    EXPECT_EQ(inbox.post(std::move(job)), nullptr);
  }
  EXPECT_EQ(inbox.take().get(), posted[0]);
  JobPtr late = make_job<Counted>(fates);
  posted.push_back(late.get());
  EXPECT_EQ(inbox.post(std::move(late)), nullptr);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(inbox.take().get(), posted[static_cast<std::size_t>(i)]);
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.take(), nullptr);
}

TEST(Inbox, AbandonsWhatIsLeftWhenItClosesAndGivesBackTheRest) {
  Fates fates;
  Inbox inbox;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(inbox.post(make_job<Counted>(fates)), nullptr);
  inbox.take()->run(Attached());
  inbox.close();
  EXPECT_EQ(fates.ran, 1);
  EXPECT_EQ(fates.abandoned, 2);
  EXPECT_EQ(fates.deleted, 3);
  JobPtr refused = inbox.post(make_job<Counted>(fates));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(fates.abandoned, 2);
  abandon(std::move(refused));
  EXPECT_EQ(fates.abandoned, 3);
  EXPECT_EQ(fates.deleted, 4);
}

TEST(Inbox, EveryJobOfManyThreadsRunsOrIsAbandonedOnce) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 20'000;
  Fates fates;
  {
    Inbox inbox;
    std::vector<std::thread> posters;
    for (int i = 0; i < kThreads; ++i) {
      posters.emplace_back([&] {
        for (int j = 0; j < kJobs; ++j) abandon(inbox.post(make_job<Counted>(fates)));
      });
    }
    while (fates.ran < kThreads * kJobs / 2) {
      if (const JobPtr job = inbox.take()) job->run(Attached());
    }
    inbox.close();
    for (std::thread& poster : posters) poster.join();
  }
  EXPECT_EQ(fates.ran + fates.abandoned, kThreads * kJobs);
  EXPECT_EQ(fates.deleted, kThreads * kJobs);
}

}  // namespace
}  // namespace ep
