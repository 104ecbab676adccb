#include "io/fd_table.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

TEST(FdTable, FindsOnlyWhatWasMade) {
  FdTable<int> table;
  EXPECT_EQ(table.find(0), nullptr);
  table.make(5) = 7;
  ASSERT_NE(table.find(5), nullptr);
  EXPECT_EQ(*table.find(5), 7);
  EXPECT_EQ(table.find(1'000'000), nullptr);
}

TEST(FdTable, ValuesStayWhereTheyAre) {
  FdTable<int> table;
  int* first = &table.make(3);
  table.make(100'000) = 1;
  EXPECT_EQ(table.find(3), first);
}

TEST(FdTable, VisitsWhatWasMade) {
  FdTable<int> table;
  table.make(2) = 20;
  table.make(1'500) = 15'000;
  int sum = 0;
  table.for_each([&](int fd, int& value) {
    EXPECT_TRUE(value == 0 || value == fd * 10);
    sum += value;
  });
  EXPECT_EQ(sum, 15'020);
}

}  // namespace
}  // namespace ep::io
