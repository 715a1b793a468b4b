#include <gtest/gtest.h>

#include "tests/runtime/flow.h"

namespace
{

TEST(FlowInFull, NoLineOfAMillionIsSomebodyElses)
{
	expect_no_line_to_be_somebody_elses(1000000);
}

} // namespace
