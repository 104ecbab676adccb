#include "task/ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace ep::task {
namespace {

struct Entry {
  LedgerHook<Entry> ledger_hook;
};

using TestLedger = Ledger<Entry>;
using Added = TestLedger::Added;

constexpr auto kAlive = [] { return true; };
constexpr auto kDead = [] { return false; };

std::set<Entry*> take(TestLedger& ledger, OwnerKey owner) {
  std::set<Entry*> taken;
  ledger.take(owner, [&](Entry* entry) { taken.insert(entry); });
  return taken;
}

std::set<Entry*> close(TestLedger& ledger) {
  std::set<Entry*> taken;
  ledger.close([&](Entry* entry) { taken.insert(entry); });
  return taken;
}

Entry* one_of(TestLedger& ledger) {
  Entry* one = nullptr;
  ledger.look_at_one([&](Entry* entry) { one = entry; });
  return one;
}

TEST(Ledger, AProcessIsMonitoredOnceHoweverManyItMakes) {
  TestLedger ledger;
  Entry entries[3];
  int monitored = 0;
  for (Entry& entry : entries) {
    EXPECT_EQ(ledger.add(1, &entry, [&] { return ++monitored > 0; }), Added::kYes);
    ledger.remove(&entry);
  }
  EXPECT_EQ(monitored, 1);
  EXPECT_TRUE(take(ledger, 1).empty());
  EXPECT_EQ(ledger.add(1, &entries[0], [&] { return ++monitored > 0; }), Added::kYes);
  EXPECT_EQ(monitored, 2);
}

TEST(Ledger, ADeadProcessGetsNothingIn) {
  TestLedger ledger;
  Entry entry;
  EXPECT_EQ(ledger.add(1, &entry, kDead), Added::kOwnerDead);
  EXPECT_EQ(ledger.size(), 0U);
  EXPECT_EQ(one_of(ledger), nullptr);
  ledger.remove(&entry);
  EXPECT_EQ(ledger.add(1, &entry, kAlive), Added::kYes);
}

TEST(Ledger, RemovesTheNewestTheOldestAndOneInBetween) {
  for (const int removed : {0, 1, 2}) {
    TestLedger ledger;
    Entry entries[3];
    std::set<Entry*> left;
    for (Entry& entry : entries) EXPECT_EQ(ledger.add(1, &entry, kAlive), Added::kYes);
    ledger.remove(&entries[removed]);
    ledger.remove(&entries[removed]);
    for (int i = 0; i < 3; ++i) {
      if (i != removed) left.insert(&entries[i]);
    }
    EXPECT_EQ(ledger.size(), 2U);
    EXPECT_TRUE(left.contains(one_of(ledger)));
    EXPECT_EQ(take(ledger, 1), left);
    EXPECT_EQ(ledger.size(), 0U);
  }
}

TEST(Ledger, TheDeadTakeOnlyWhatIsTheirs) {
  TestLedger ledger;
  Entry mine[2];
  Entry others;
  for (Entry& entry : mine) EXPECT_EQ(ledger.add(1, &entry, kAlive), Added::kYes);
  EXPECT_EQ(ledger.add(2, &others, kAlive), Added::kYes);
  EXPECT_EQ(take(ledger, 1), (std::set<Entry*>{&mine[0], &mine[1]}));
  EXPECT_TRUE(take(ledger, 1).empty());
  EXPECT_EQ(ledger.size(), 1U);
  ledger.remove(&mine[0]);  // too late: it has been taken
  EXPECT_EQ(one_of(ledger), &others);
}

TEST(Ledger, ClosedItLetsNothingIn) {
  TestLedger ledger;
  Entry entries[3];
  EXPECT_EQ(ledger.add(1, &entries[0], kAlive), Added::kYes);
  EXPECT_EQ(ledger.add(2, &entries[1], kAlive), Added::kYes);
  EXPECT_EQ(close(ledger), (std::set<Entry*>{&entries[0], &entries[1]}));
  EXPECT_EQ(ledger.size(), 0U);
  EXPECT_EQ(ledger.add(1, &entries[2], kAlive), Added::kClosed);
  EXPECT_TRUE(close(ledger).empty());
}

/// Threads that submit and are answered, owners that die, and a loop that closes: each submission
/// is removed by its answer or taken by one of the others, and none twice.
TEST(LedgerRace, EachEntryLeavesOnce) {
  constexpr int kRounds = 50;
  constexpr int kEach = 500;
  for (int round = 0; round < kRounds; ++round) {
    TestLedger ledger;
    std::vector<std::vector<Entry>> entries(2);
    for (auto& of_thread : entries) of_thread = std::vector<Entry>(kEach);
    std::atomic<int> entered{0};
    std::atomic<int> taken{0};
    std::atomic<int> refused{0};
    const auto keep = [&](Entry*) { ++taken; };
    std::vector<std::thread> threads;
    for (auto& of_thread : entries) {
      threads.emplace_back([&] {
        OwnerKey owner = 0;
        for (Entry& entry : of_thread) {
          owner = owner % 5 + 1;
          if (ledger.add(owner, &entry, kAlive) != Added::kYes) {
            ++refused;
            continue;
          }
          if (++entered % 3 == 0) ledger.remove(&entry);
        }
      });
    }
    threads.emplace_back([&] {
      for (OwnerKey owner = 1; owner <= 5; ++owner) ledger.take(owner, keep);
      while (entered < kEach) std::this_thread::yield();
      ledger.close(keep);
    });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(ledger.size(), 0U);
    EXPECT_EQ(one_of(ledger), nullptr);
    EXPECT_EQ(entered + refused, 2 * kEach);
    EXPECT_LE(taken, entered);
    for (auto& of_thread : entries) {
      for (const Entry& entry : of_thread) EXPECT_FALSE(entry.ledger_hook.linked);
    }
  }
}

}  // namespace
}  // namespace ep::task
