#include "task/claim.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ep::task {
namespace {

using Result = Claim::Result;
using State = Claim::State;

TEST(Claim, AnAnswerIsSentOnce) {
  Claim claim;
  EXPECT_TRUE(claim.is_open());
  EXPECT_EQ(claim.answer(), Result::kOurs);
  EXPECT_EQ(claim.state(), State::kSending);
  EXPECT_FALSE(claim.is_open());
  EXPECT_EQ(claim.answer(), Result::kTooLate);
  EXPECT_EQ(claim.revoke(), Result::kTooLate);
  claim.sent();
  EXPECT_EQ(claim.state(), State::kSent);
  EXPECT_EQ(claim.answer(), Result::kTooLate);
  EXPECT_EQ(claim.revoke(), Result::kTooLate);
  EXPECT_EQ(claim.state(), State::kSent);
}

TEST(Claim, AfterARevocationThereIsNoAnswer) {
  Claim claim;
  EXPECT_EQ(claim.revoke(), Result::kOurs);
  EXPECT_EQ(claim.state(), State::kRevoked);
  EXPECT_FALSE(claim.is_open());
  EXPECT_EQ(claim.answer(), Result::kTooLate);
  EXPECT_EQ(claim.revoke(), Result::kTooLate);
  EXPECT_EQ(claim.state(), State::kRevoked);
}

/// The executor with a result, a caller whose deadline passes, and the death of the loop.
TEST(ClaimRace, OneEndsIt) {
  constexpr int kClaims = 20'000;
  std::vector<Claim> claims(kClaims);
  std::atomic<int> answers{0};
  std::atomic<int> revocations{0};
  const auto answer_all = [&] {
    for (Claim& claim : claims) {
      if (claim.answer() == Result::kTooLate) continue;
      ++answers;
      claim.sent();
    }
  };
  const auto revoke_all = [&] {
    for (auto claim = claims.rbegin(); claim != claims.rend(); ++claim) {
      if (claim->revoke() == Result::kOurs) ++revocations;
    }
  };
  std::thread executor(answer_all);
  std::thread closer(answer_all);
  std::thread caller(revoke_all);
  executor.join();
  closer.join();
  caller.join();
  EXPECT_EQ(answers + revocations, kClaims);
  for (const Claim& claim : claims) EXPECT_FALSE(claim.is_open());
}

}  // namespace
}  // namespace ep::task
