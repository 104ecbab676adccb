#include "spawner/request.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace ep::spawner {
namespace {

std::string words(std::initializer_list<std::uint32_t> numbers) {
  std::string out;
  for (const std::uint32_t number : numbers) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return out;
}

std::string texts(std::initializer_list<std::string> strings) {
  std::string out = words({static_cast<std::uint32_t>(strings.size())});
  for (const std::string& text : strings) out += text + '\0';
  return out;
}

std::string request() {
  return words({kHasUid | kNewSession, 022, 1, 1000, 1001, 17, 1, 2, 3, 4}) + words({3, 0, 1, 7}) +
         words({2, 4, 5}) + texts({"/bin/a", "/usr/bin/a"}) + texts({"a", "", "-x"}) +
         texts({"K=v"}) + texts({"/tmp"});
}

TEST(Request, HasWhatWasSent) {
  const auto parsed = parse(request(), 4);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->flags, kHasUid | kNewSession);
  EXPECT_EQ(parsed->umask, 022u);
  EXPECT_EQ(parsed->process_group, 1);
  EXPECT_EQ(parsed->uid, 1000u);
  EXPECT_EQ(parsed->gid, 1001u);
  EXPECT_EQ(parsed->thread, 17);
  EXPECT_EQ(parsed->ignored[0], 1u);
  EXPECT_EQ(parsed->ignored[1], 2u);
  EXPECT_EQ(parsed->blocked[0], 3u);
  EXPECT_EQ(parsed->blocked[1], 4u);
  EXPECT_EQ(parsed->targets, (std::vector<int>{0, 1, 7}));
  EXPECT_EQ(parsed->groups, (std::vector<gid_t>{4, 5}));
  EXPECT_EQ(parsed->paths, (std::vector<std::string>{"/bin/a", "/usr/bin/a"}));
  EXPECT_EQ(parsed->arguments, (std::vector<std::string>{"a", "", "-x"}));
  EXPECT_EQ(parsed->environment, (std::vector<std::string>{"K=v"}));
  EXPECT_EQ(parsed->directory, (std::vector<std::string>{"/tmp"}));
}

TEST(Request, HasAsManyDescriptorsAsItSays) {
  EXPECT_FALSE(parse(request(), 3));
  EXPECT_FALSE(parse(request(), 5));
  EXPECT_FALSE(parse(request(), 0));
}

TEST(Request, IsWhole) {
  const std::string whole = request();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse(whole.substr(0, size), 4)) << size;
  }
  EXPECT_FALSE(parse(whole + '\0', 4));
}

TEST(Request, DoesNotBelieveCounts) {
  const std::string head = words({0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(parse(head + words({0xffffffff}), 0));
  EXPECT_FALSE(parse(head + words({0, 0, 0x7fffffff}) + "x", 1));
}

TEST(Request, NamesDescriptorsProgramAndArguments) {
  const std::string head = words({0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const std::string none = texts({});
  EXPECT_TRUE(parse(head + words({0, 0}) + texts({"a"}) + texts({"a"}) + none + none, 1));
  EXPECT_FALSE(parse(head + words({0, 0}) + none + texts({"a"}) + none + none, 1));
  EXPECT_FALSE(parse(head + words({0, 0}) + texts({"a"}) + none + none + none, 1));
  EXPECT_FALSE(
      parse(head + words({0, 0}) + texts({"a"}) + texts({"a"}) + none + texts({"a", "b"}), 1));
  EXPECT_FALSE(parse(head + words({1, ~0u, 0}) + texts({"a"}) + texts({"a"}) + none + none, 2));
}

}  // namespace
}  // namespace ep::spawner
