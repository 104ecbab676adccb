#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ep {
namespace {

struct Item : MailboxNode {
  int sender = 0;
  int number = 0;
};

TEST(Mailbox, DrainsInTheOrderOfPosting) {
  Mailbox<Item> mailbox;
  Item items[3];
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.drain(), nullptr);
  for (Item& item : items) EXPECT_TRUE(mailbox.post(&item));
  EXPECT_FALSE(mailbox.empty());

  Item* item = mailbox.drain();
  for (Item& expected : items) {
    ASSERT_EQ(item, &expected);
    item = Mailbox<Item>::next(item);
  }
  EXPECT_EQ(item, nullptr);
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, GivesWhatIsLeftWhenItClosesAndRefusesTheRest) {
  Mailbox<Item> mailbox;
  Item before;
  Item after;
  ASSERT_TRUE(mailbox.post(&before));
  EXPECT_EQ(mailbox.close(), &before);
  EXPECT_FALSE(mailbox.post(&after));
  EXPECT_EQ(mailbox.drain(), nullptr);
  EXPECT_EQ(mailbox.close(), nullptr);
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, KeepsEachSendersOrderUnderContention) {
  constexpr int kSenders = 4;
  constexpr int kEach = 5'000;
  Mailbox<Item> mailbox;
  std::vector<std::vector<Item>> items(kSenders, std::vector<Item>(kEach));
  std::vector<std::jthread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int number = 0; number < kEach; ++number) {
        Item& item = items[static_cast<std::size_t>(sender)][static_cast<std::size_t>(number)];
        item.sender = sender;
        item.number = number;
        ASSERT_TRUE(mailbox.post(&item));
      }
    });
  }
  int next[kSenders] = {};
  for (int received = 0; received < kSenders * kEach;) {
    Item* item = mailbox.drain();
    if (item == nullptr) std::this_thread::yield();
    for (; item != nullptr; ++received) {
      EXPECT_EQ(item->number, next[item->sender]++);
      item = Mailbox<Item>::next(item);
    }
  }
}

TEST(Mailbox, EveryItemIsEitherDeliveredOrRefusedWhenItClosesUnderContention) {
  constexpr int kEach = 5'000;
  Mailbox<Item> mailbox;
  std::vector<Item> items(kEach);
  int accepted = 0;
  std::jthread sender([&] {
    for (Item& item : items) accepted += mailbox.post(&item) ? 1 : 0;
  });
  int received = 0;
  const auto count = [&](Item* item) {
    for (; item != nullptr; item = Mailbox<Item>::next(item)) ++received;
  };
  while (received < kEach / 10) count(mailbox.drain());
  count(mailbox.close());
  sender.join();
  EXPECT_EQ(received, accepted);
}

}  // namespace
}  // namespace ep
