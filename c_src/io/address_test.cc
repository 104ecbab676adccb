#include "io/address.h"

#include <gtest/gtest.h>

#include <string>

#include "base/unique_fd.h"

namespace ep::io {
namespace {

TEST(SocketAddress, NumbersThereAndBack) {
  const auto v4 = SocketAddress::from_numbers(AF_INET, "127.0.0.1", 8080);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->family(), AF_INET);
  EXPECT_EQ(v4->host(), "127.0.0.1");
  EXPECT_EQ(v4->port(), 8080);

  const auto v6 = SocketAddress::from_numbers(AF_INET6, "fe80::1", 53, 7, 3);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host(), "fe80::1");
  EXPECT_EQ(v6->port(), 53);
  EXPECT_EQ(v6->ipv6().sin6_scope_id, 3U);
  EXPECT_EQ(ntohl(v6->ipv6().sin6_flowinfo), 7U);
}

TEST(SocketAddress, NamesAndOtherFamiliesAreLeftToOthers) {
  EXPECT_FALSE(SocketAddress::from_numbers(AF_INET, "localhost", 1));
  EXPECT_FALSE(SocketAddress::from_numbers(AF_INET, "::1", 1));
  EXPECT_FALSE(SocketAddress::from_numbers(AF_INET6, "127.0.0.1", 1));
  EXPECT_FALSE(SocketAddress::from_numbers(AF_UNIX, "/path", 1));
}

TEST(SocketAddress, EqualityIsOfHostAndPort) {
  const auto a = SocketAddress::from_numbers(AF_INET, "10.0.0.1", 1);
  EXPECT_EQ(*a, *SocketAddress::from_numbers(AF_INET, "10.0.0.1", 1));
  EXPECT_FALSE(*a == *SocketAddress::from_numbers(AF_INET, "10.0.0.1", 2));
  EXPECT_FALSE(*a == *SocketAddress::from_numbers(AF_INET6, "::1", 1));
}

TEST(SocketAddress, OfUnixSockets) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const UniqueFd first(pair[0]);
  const UniqueFd second(pair[1]);
  const auto unnamed = SocketAddress::of_peer(first.get());
  ASSERT_TRUE(unnamed);
  EXPECT_EQ(unnamed->family(), AF_UNIX);
  EXPECT_EQ(unnamed->path(), "");

  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string abstract("\0ep-net-test", 12);
  abstract.copy(name.sun_path, abstract.size());
  const UniqueFd bound(::socket(AF_UNIX, SOCK_STREAM, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + abstract.size());
  ASSERT_EQ(::bind(bound.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(SocketAddress::of_socket(bound.get())->path(), abstract);
  EXPECT_FALSE(SocketAddress::of_peer(bound.get()));
}

TEST(InetAddress, TakesWhatFits) {
  InetAddress small;
  EXPECT_EQ(small.get().family(), AF_UNSPEC);
  const auto v6 = SocketAddress::from_numbers(AF_INET6, "::1", 5);
  ASSERT_TRUE(small.assign(*v6));
  EXPECT_EQ(small.get(), *v6);
  SocketAddress big;
  big.length = sizeof(sockaddr_un);
  EXPECT_FALSE(small.assign(big));
}

}  // namespace
}  // namespace ep::io
