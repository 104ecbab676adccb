#include "io/flow_control.h"

#include <gtest/gtest.h>

namespace ep::io {
namespace {

TEST(FlowControl, PausesAboveTheHighMarkAndResumesAtTheLowOne) {
  FlowControl flow;
  flow.set_limits(10, 100);
  EXPECT_FALSE(flow.must_pause(100));
  EXPECT_TRUE(flow.must_pause(101));
  EXPECT_FALSE(flow.must_pause(500)) << "once is enough";
  EXPECT_FALSE(flow.must_resume(11));
  EXPECT_TRUE(flow.must_resume(10));
  EXPECT_FALSE(flow.must_resume(0));
  EXPECT_TRUE(flow.must_pause(101));
}

TEST(FlowControl, WithoutABufferAnyByteIsTooMuch) {
  FlowControl flow;
  flow.set_limits(0, 0);
  EXPECT_FALSE(flow.must_pause(0));
  EXPECT_TRUE(flow.must_pause(1));
  EXPECT_TRUE(flow.must_resume(0));
}

}  // namespace
}  // namespace ep::io
