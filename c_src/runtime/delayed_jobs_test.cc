#include "runtime/delayed_jobs.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/fake_attached.h"

namespace ep {
namespace {

struct Fates {
  std::vector<int> ran;
  std::vector<int> abandoned;
};

class Numbered final : public Job {
 public:
  Numbered(Fates& fates, int number) : fates_(fates), number_(number) {}
  void run(const Attached&) noexcept override { fates_.ran.push_back(number_); }
  void abandon() noexcept override { fates_.abandoned.push_back(number_); }

 private:
  Fates& fates_;
  const int number_;
};

TEST(DelayedJobs, ComeInTheOrderOfTheirTimesAndNeverEarly) {
  Fates fates;
  DelayedJobs delayed;
  EXPECT_EQ(delayed.next(), kNever);
  EXPECT_EQ(delayed.take_due(1'000), nullptr);
  delayed.add(make_job<Numbered>(fates, 2), 20);
  delayed.add(make_job<Numbered>(fates, 1), 10);
  delayed.add(make_job<Numbered>(fates, 3), 20);
  EXPECT_EQ(delayed.next(), 10);
  EXPECT_EQ(delayed.take_due(9), nullptr);
  delayed.take_due(10)->run(Attached());
  EXPECT_EQ(delayed.take_due(19), nullptr);
  delayed.take_due(20)->run(Attached());
  delayed.take_due(30)->run(Attached());
  EXPECT_EQ(delayed.next(), kNever);
  EXPECT_EQ(fates.ran, (std::vector<int>{1, 2, 3}));
}

TEST(DelayedJobs, AreAbandonedIfTheirTimeNeverComes) {
  Fates fates;
  {
    DelayedJobs delayed;
    for (int i = 0; i < 1'000; ++i) delayed.add(make_job<Numbered>(fates, i), 1'000 - i);
    delayed.take_due(1)->run(Attached());
  }
  EXPECT_EQ(fates.ran, (std::vector<int>{999}));
  EXPECT_EQ(fates.abandoned.size(), 999U);
}

}  // namespace
}  // namespace ep
