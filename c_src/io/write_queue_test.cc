#include "io/write_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace ep::io {
namespace {

using Owner = std::shared_ptr<std::string>;

void drop(const Owner&) {}

class WriteQueueTest : public testing::Test {
 protected:
  Owner push(const std::string& text) {
    const Owner owner = std::make_shared<std::string>(text);
    queue_.push(owner->data(), owner->size(), owner);
    return owner;
  }

  /// What writev() would send of the first `parts` chunks.
  std::string gathered(std::size_t parts = 16) {
    std::vector<iovec> vectors(parts);
    std::string text;
    const std::size_t count = queue_.gather(vectors);
    for (std::size_t i = 0; i < count; ++i) {
      text.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
    }
    return text;
  }

  WriteQueue<Owner> queue_;
};

TEST_F(WriteQueueTest, KeepsOrderAndCountsBytes) {
  push("one");
  push("two");
  EXPECT_EQ(queue_.size(), 6U);
  EXPECT_EQ(gathered(), "onetwo");
  EXPECT_EQ(gathered(1), "one");
}

TEST_F(WriteQueueTest, NothingIsCopied) {
  const Owner owner = push("data");
  iovec part[1];
  ASSERT_EQ(queue_.gather(part), 1U);
  EXPECT_EQ(part[0].iov_base, owner->data());
}

TEST_F(WriteQueueTest, PartialWriteContinuesInsideAChunk) {
  push("one");
  push("two");
  queue_.consume(1, drop);
  EXPECT_EQ(gathered(), "netwo");
  queue_.consume(3, drop);
  EXPECT_EQ(gathered(), "wo");
  EXPECT_EQ(queue_.size(), 2U);
}

TEST_F(WriteQueueTest, OwnersGoAsSoonAsTheirBytesAreSent) {
  const Owner first = push("one");
  const Owner second = push("two");
  queue_.consume(2, drop);
  EXPECT_EQ(first.use_count(), 2);
  queue_.consume(1, drop);
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(second.use_count(), 2);
  queue_.clear();
  EXPECT_EQ(second.use_count(), 1);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(WriteQueueTest, EmptyChunksAreNotKept) {
  const Owner owner = push("");
  EXPECT_EQ(owner.use_count(), 1);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(WriteQueueTest, ALongQueueThatIsNeverEmptyStaysInOrder) {
  std::string expected;
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i) + ",";
    expected += text;
    push(text);
    if (i < 10) continue;
    const std::string head = gathered(1);
    sent += head;
    queue_.consume(head.size(), drop);
  }
  while (!queue_.empty()) {
    const std::string head = gathered(7);
    sent += head;
    queue_.consume(head.size(), drop);
  }
  EXPECT_EQ(sent, expected);
}

}  // namespace
}  // namespace ep::io
