#include "io/phase.h"

#include <gtest/gtest.h>

#include <vector>

namespace ep::io {
namespace {

using Step = bool (Lifetime::*)();

/// Each step, and where it leads.
struct Way {
  Step step;
  Phase to;
};
const std::vector<Way> kWays = {
    {&Lifetime::begin, Phase::kOpen},
    {&Lifetime::close, Phase::kClosing},
    {&Lifetime::lose, Phase::kLost},
    {&Lifetime::end, Phase::kOver},
};

Lifetime at(Phase phase) {
  Lifetime life;
  for (const Way& way : kWays) {
    if (way.to == phase) (life.*way.step)();
  }
  EXPECT_EQ(life.phase(), phase);
  return life;
}

TEST(Phase, EachStepLeadsForwardFromEachPhaseOrChangesNothing) {
  for (const Phase from :
       {Phase::kStarting, Phase::kOpen, Phase::kClosing, Phase::kLost, Phase::kOver}) {
    for (const Way& way : kWays) {
      Lifetime life = at(from);
      const bool forward = way.to > from;
      EXPECT_EQ((life.*way.step)(), forward);
      EXPECT_EQ(life.phase(), forward ? way.to : from);
    }
  }
}

TEST(Phase, QuestionsAboutIt) {
  const auto answers = [](Phase phase) {
    const Lifetime life = at(phase);
    return std::vector<bool>{life.is_open(), life.is_closing(), life.is_lost(), life.is_over()};
  };
  EXPECT_EQ(answers(Phase::kStarting), (std::vector<bool>{false, false, false, false}));
  EXPECT_EQ(answers(Phase::kOpen), (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(answers(Phase::kClosing), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(answers(Phase::kLost), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(answers(Phase::kOver), (std::vector<bool>{false, true, true, true}));
}

TEST(Phase, TheFifthWriteToALostConnectionIsWorthAWarning) {
  LostWrites writes;
  for (int i = 1; i <= 4; ++i) {
    EXPECT_FALSE(writes.add());
    EXPECT_EQ(writes.count(), i);
  }
  EXPECT_TRUE(writes.add());
  EXPECT_TRUE(writes.add());
  EXPECT_EQ(writes.count(), 6);
}

}  // namespace
}  // namespace ep::io
