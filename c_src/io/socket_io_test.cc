#include "io/socket_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ep::io {
namespace {

class SocketIoTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ours_.reset(pair[0]);
    theirs_.reset(pair[1]);
  }

  UniqueFd ours_;
  UniqueFd theirs_;
};

TEST_F(SocketIoTest, ReceivesWhatWasSentAndThenTheEnd) {
  char buffer[16];
  EXPECT_TRUE(receive(ours_.get(), buffer, sizeof buffer).not_now());
  EXPECT_EQ(send(theirs_.get(), "abc", 3).bytes, 3U);
  const Result got = receive(ours_.get(), buffer, sizeof buffer);
  EXPECT_TRUE(got.ok());
  EXPECT_EQ(std::string(buffer, got.bytes), "abc");
  theirs_.reset();
  const Result end = receive(ours_.get(), buffer, sizeof buffer);
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0U);
}

TEST_F(SocketIoTest, SendsGathered) {
  std::string first = "one", second = "two";
  iovec parts[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  EXPECT_EQ(send(ours_.get(), parts).bytes, 6U);
  char buffer[16];
  EXPECT_EQ(receive(theirs_.get(), buffer, sizeof buffer).bytes, 6U);
}

TEST_F(SocketIoTest, AFullSocketIsNotAnError) {
  const std::vector<char> much(1 << 20);
  Result result;
  while ((result = send(ours_.get(), much.data(), much.size())).ok()) {
  }
  EXPECT_TRUE(result.not_now());
}

TEST_F(SocketIoTest, AClosedPeerIsAnErrorAndNoSignal) {
  theirs_.reset();
  EXPECT_EQ(send(ours_.get(), "x", 1).error, EPIPE);
}

TEST(Datagrams, KnowTheirSender) {
  const UniqueFd server(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const UniqueFd client(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  for (int fd : {server.get(), client.get()}) {
    const auto any = SocketAddress::from_numbers(AF_INET, "127.0.0.1", 0);
    ASSERT_EQ(::bind(fd, any->data(), any->length), 0);
  }
  const auto to = SocketAddress::of_socket(server.get());
  EXPECT_EQ(send_to(client.get(), "hi", 2, &*to).bytes, 2U);
  SocketAddress from;
  char buffer[16];
  EXPECT_EQ(receive_from(server.get(), buffer, sizeof buffer, from).bytes, 2U);
  EXPECT_EQ(from, *SocketAddress::of_socket(client.get()));
}

TEST(Accept, GivesNonBlockingSocketsThatExecCloses) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  const auto any = SocketAddress::from_numbers(AF_INET, "127.0.0.1", 0);
  ASSERT_EQ(::bind(listener.get(), any->data(), any->length), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_TRUE(accept(listener.get()).nobody());

  const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  const auto address = SocketAddress::of_socket(listener.get());
  ASSERT_EQ(::connect(client.get(), address->data(), address->length), 0);
  const Accepted accepted = accept(listener.get());
  ASSERT_TRUE(accepted.fd);
  EXPECT_EQ(accepted.peer, *SocketAddress::of_socket(client.get()));
  EXPECT_TRUE(::fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(accepted.fd.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(Accept, TellsShortagesFromFailures) {
  Accepted accepted;
  accepted.error = EMFILE;
  EXPECT_TRUE(accepted.no_resources());
  EXPECT_FALSE(accepted.nobody());
  accepted = accept(-1);
  EXPECT_EQ(accepted.error, EBADF);
  EXPECT_FALSE(accepted.no_resources());
}

}  // namespace
}  // namespace ep::io
