#include "io/write_holder.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace ep::io {
namespace {

using Owner = std::shared_ptr<const std::string>;
using Holder = WriteHolder<Owner>;
using Waiting = Holder::Waiting;
using Held = Holder::Held;

class WriteHolderTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }

  void push(const std::string& text) {
    const Owner owner = std::make_shared<const std::string>(text);
    holder_.push(owner->data(), owner->size(), owner);
  }

  /// As a transport: true if it was held.
  bool write(std::uint64_t turn, const std::string& text, bool quick = false) {
    if (!holder_.should_hold(turn, quick)) return false;
    push(text);
    if (holder_.hold() == Held::kFull) {
      EXPECT_EQ(send(), 0);
    }
    return true;
  }

  int send() {
    return holder_.send(ours_.get(), [&](const Owner& owner) { sent_ += owner->size(); });
  }

  std::string received() {
    std::string all;
    std::vector<char> buffer(1 << 20);
    ssize_t count;
    while ((count = ::recv(theirs_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

  UniqueFd ours_, theirs_;
  Holder holder_;
  std::size_t sent_ = 0;
};

TEST_F(WriteHolderTest, ASingleWriteInATurnIsNotHeld) {
  for (std::uint64_t turn = 1; turn < 100; ++turn) EXPECT_FALSE(holder_.should_hold(turn, false));
  EXPECT_EQ(holder_.waiting_for(), Waiting::kNone);
}

TEST_F(WriteHolderTest, WhoWritesInPiecesIsHeldFromTheNextTurnOn) {
  EXPECT_FALSE(write(1, "head"));
  EXPECT_FALSE(write(1, "body"));  // that shows it
  EXPECT_TRUE(write(2, "head"));
  EXPECT_EQ(holder_.waiting_for(), Waiting::kTurn);
  EXPECT_TRUE(write(2, "body"));
  EXPECT_EQ(received(), "");
  EXPECT_EQ(send(), 0);
  EXPECT_EQ(holder_.waiting_for(), Waiting::kNone);
  EXPECT_EQ(received(), "headbody");
  EXPECT_EQ(sent_, 8U);
}

TEST_F(WriteHolderTest, SingleWritesEndTheHoldingAfterSomeTurns) {
  write(1, "a");
  write(1, "b");
  std::uint64_t turn = 2;
  for (; turn < 2 + Holder::kHeldTurns; ++turn) {
    EXPECT_TRUE(write(turn, "x"));
    EXPECT_EQ(send(), 0);
  }
  EXPECT_FALSE(write(turn, "x"));
}

TEST_F(WriteHolderTest, ASecondWriteStartsTheCountAnew) {
  write(1, "a");
  write(1, "b");
  for (std::uint64_t turn = 2; turn < 100; ++turn) {
    EXPECT_TRUE(write(turn, "x"));
    EXPECT_TRUE(write(turn, "y"));
    EXPECT_EQ(send(), 0);
  }
}

TEST_F(WriteHolderTest, WhileTurnsAreQuickAllWritesAreHeld) {
  EXPECT_TRUE(write(1, "a", true));
  EXPECT_TRUE(write(2, "b", true));
  EXPECT_TRUE(write(3, "c", false));  // or it would overtake
  EXPECT_EQ(send(), 0);
  EXPECT_EQ(received(), "abc");
  EXPECT_FALSE(write(4, "d", false));
}

TEST_F(WriteHolderTest, OnlyTheFirstOneHasToBeSeenTo) {
  push("a");
  EXPECT_EQ(holder_.hold(), Held::kFirst);
  push("b");
  EXPECT_EQ(holder_.hold(), Held::kMore);
  EXPECT_EQ(send(), 0);
  push("c");
  EXPECT_EQ(holder_.hold(), Held::kFirst);
}

TEST_F(WriteHolderTest, ItHoldsSoMuchAndNoMore) {
  push(std::string(Holder::kMostHeld, 'x'));
  EXPECT_EQ(holder_.hold(), Held::kFirst);
  push("y");
  EXPECT_EQ(holder_.hold(), Held::kFull);
  EXPECT_EQ(holder_.waiting_for(), Waiting::kTurn);
}

TEST_F(WriteHolderTest, WhatTheSocketDoesNotTakeWaitsForIt) {
  const std::string much(10'000'000, 'x');
  push(much);
  push("end");
  holder_.hold();
  EXPECT_EQ(send(), 0);
  EXPECT_EQ(holder_.waiting_for(), Waiting::kSocket);
  EXPECT_FALSE(holder_.should_hold(7, true));
  EXPECT_GT(holder_.size(), 0U);
  std::string got;
  while (holder_.size() > 0) {
    got += received();
    EXPECT_EQ(send(), 0);
  }
  got += received();
  EXPECT_EQ(holder_.waiting_for(), Waiting::kNone);
  EXPECT_EQ(got.size(), much.size() + 3);
  EXPECT_EQ(got.substr(much.size()), "end");
}

TEST_F(WriteHolderTest, WhatWasTriedPastTheQueueMayWaitForTheSocket) {
  std::array<Chunk<Owner>, 2> chunks = {{{"ab", 2, nullptr}, {"cd", 2, nullptr}}};
  const Result result = Holder::send_past(ours_.get(), chunks);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes, 4U);
  holder_.wait_for_socket();
  EXPECT_EQ(holder_.waiting_for(), Waiting::kNone) << "there is nothing";
  push("ef");
  holder_.wait_for_socket();
  EXPECT_EQ(holder_.waiting_for(), Waiting::kSocket);
  EXPECT_EQ(send(), 0);
  EXPECT_EQ(received(), "abcdef");
}

TEST_F(WriteHolderTest, ManySmallPartsAndManyLargeOnesArriveInOrder) {
  for (const std::size_t size : {1U, 31U, 33U, 127U, 1'000U}) {
    std::string all;
    for (int i = 0; i < 130; ++i) {
      const std::string text(size, static_cast<char>('a' + i % 26));
      all += text;
      push(text);
    }
    holder_.hold();
    std::string got;
    do {
      EXPECT_EQ(send(), 0);
      got += received();
    } while (holder_.waiting_for() != Waiting::kNone);
    EXPECT_EQ(got, all) << size;
  }
}

TEST_F(WriteHolderTest, AnErrorIsReportedAndWhatWaitedCanBeDropped) {
  theirs_.reset();
  push("a");
  holder_.hold();
  EXPECT_EQ(send(), EPIPE);
  EXPECT_EQ(holder_.size(), 1U);
  holder_.drop();
  EXPECT_EQ(holder_.size(), 0U);
  EXPECT_EQ(holder_.waiting_for(), Waiting::kNone);
  EXPECT_EQ(send(), 0);
}

TEST_F(WriteHolderTest, ABadDescriptorIsAnErrorToo) {
  push("a");
  holder_.hold();
  EXPECT_EQ(holder_.send(-1, [](const Owner&) {}), EBADF);
}

}  // namespace
}  // namespace ep::io
