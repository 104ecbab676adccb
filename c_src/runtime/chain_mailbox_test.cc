#include "runtime/chain_mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/fake_attached.h"

namespace ep {
namespace {

struct Fates {
  std::atomic<int> ran{0};
  std::atomic<int> abandoned{0};
  std::atomic<int> deleted{0};
  std::vector<int> order;  // of the numbers of those abandoned
};

class Counted final : public Job {
 public:
  Counted(Fates& fates, std::uint64_t its_chain, int its_number = 0)
      : number(its_number), fates_(fates) {
    chain = its_chain;
  }
  ~Counted() override { ++fates_.deleted; }
  void run(const Attached&) noexcept override { ++fates_.ran; }
  void abandon() noexcept override {
    ++fates_.abandoned;
    if (number != 0) fates_.order.push_back(number);
  }

  const int number;

 private:
  Fates& fates_;
};

int number_of(const JobPtr& job) { return job ? static_cast<Counted&>(*job).number : 0; }

TEST(ChainMailbox, GivesTheOldestOrTheOldestOfAChain) {
  Fates fates;
  ChainMailbox mailbox;
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.take(), nullptr);
  const std::uint64_t chains[] = {0, 7, 8, 7, 0};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(mailbox.post(make_job<Counted>(fates, chains[i], i + 1)), nullptr);
  }
  EXPECT_EQ(number_of(mailbox.take_of(7)), 2);
  EXPECT_EQ(number_of(mailbox.take_of(9)), 0);
  EXPECT_EQ(number_of(mailbox.take()), 1);
  EXPECT_EQ(number_of(mailbox.take_of(7)), 4);
  EXPECT_EQ(number_of(mailbox.take_of(7)), 0);
  EXPECT_EQ(number_of(mailbox.take()), 3);
  EXPECT_FALSE(mailbox.empty());
  EXPECT_EQ(number_of(mailbox.take()), 5);
  EXPECT_TRUE(mailbox.empty());
}

TEST(ChainMailbox, WhatHasBeenLookedAtIsNotNew) {
  Fates fates;
  ChainMailbox mailbox;
  EXPECT_EQ(mailbox.post(make_job<Counted>(fates, 7)), nullptr);
  EXPECT_TRUE(mailbox.has_new());
  EXPECT_EQ(mailbox.take_of(8), nullptr);
  EXPECT_FALSE(mailbox.has_new());
  EXPECT_FALSE(mailbox.empty());
  EXPECT_EQ(mailbox.count(), 1U);
  EXPECT_EQ(mailbox.post(make_job<Counted>(fates, 7)), nullptr);
  EXPECT_TRUE(mailbox.has_new());
  EXPECT_EQ(mailbox.count(), 2U);
}

TEST(ChainMailbox, NoChainHasJobsOfItsOwn) {
  Fates fates;
  ChainMailbox mailbox;
  EXPECT_EQ(mailbox.post(make_job<Counted>(fates, ChainMailbox::kNoChain)), nullptr);
  EXPECT_EQ(mailbox.take_of(ChainMailbox::kNoChain), nullptr);
  EXPECT_FALSE(mailbox.has_new());
  EXPECT_NE(mailbox.take(), nullptr);
}

/// As a thread that waits for an answer does: it sleeps when has_new() says that nothing has come.
TEST(ChainMailbox, WhoWaitsForAChainMissesNoneOfItsJobs) {
  constexpr int kJobs = 20000;
  Fates fates;
  ChainMailbox mailbox;
  std::vector<std::thread> posters;
  for (const std::uint64_t chain : {7, 8}) {
    posters.emplace_back([&, chain] {
      for (int i = 0; i < kJobs; ++i) abandon(mailbox.post(make_job<Counted>(fates, chain)));
    });
  }
  while (fates.ran < kJobs) {
    if (const JobPtr job = mailbox.take_of(7)) {
      job->run(Attached());
    } else {
      while (!mailbox.has_new()) std::this_thread::yield();
    }
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(mailbox.count(), std::size_t{kJobs});
}

TEST(ChainMailbox, ClosingAbandonsTheOldestFirst) {
  Fates fates;
  ChainMailbox mailbox;
  for (int i = 1; i <= 2; ++i) EXPECT_EQ(mailbox.post(make_job<Counted>(fates, 0, i)), nullptr);
  EXPECT_EQ(mailbox.count(), 2U);
  for (int i = 3; i <= 4; ++i) EXPECT_EQ(mailbox.post(make_job<Counted>(fates, 0, i)), nullptr);
  mailbox.close();
  EXPECT_EQ(fates.order, (std::vector<int>{1, 2, 3, 4}));
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.take(), nullptr);
  const JobPtr refused = mailbox.post(make_job<Counted>(fates, 0, 5));
  EXPECT_EQ(number_of(refused), 5);
  EXPECT_EQ(fates.abandoned, 4);
}

/// Threads that post, the owner that takes of either kind, and one that closes meanwhile.
TEST(ChainMailbox, EveryJobRunsOrIsAbandonedOnceWhoeverCloses) {
  constexpr int kRounds = 200;
  constexpr int kPosters = 2;
  constexpr int kJobs = 200;
  for (int round = 0; round < kRounds; ++round) {
    Fates fates;
    ChainMailbox mailbox;
    std::atomic<bool> closed{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kPosters; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < kJobs; ++j) {
          abandon(mailbox.post(make_job<Counted>(fates, static_cast<std::uint64_t>(j % 3))));
        }
      });
    }
    threads.emplace_back([&] {
      while (fates.ran < kJobs / 2) std::this_thread::yield();
      mailbox.close();
      closed = true;
    });
    for (std::uint64_t turn = 0; !closed; ++turn) {
      const std::uint64_t chain = turn % 3;
      if (const JobPtr job = chain == 0 ? mailbox.take() : mailbox.take_of(chain)) {
        job->run(Attached());
      }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(mailbox.empty());
    EXPECT_EQ(fates.ran + fates.abandoned, kPosters * kJobs);
    EXPECT_EQ(fates.deleted, kPosters * kJobs);
  }
}

}  // namespace
}  // namespace ep
