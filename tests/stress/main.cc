/* GoogleTest's main, with threads that are stopped now and then while a test runs. */
#include <memory>

#include <gtest/gtest.h>

#include "tests/stress/disturb.h"

namespace
{

class DisturbEachTest : public testing::EmptyTestEventListener
{
  public:
	void OnTestStart(const testing::TestInfo &) override
	{
		before_ = Disturbance::count();
		disturbance_ = std::make_unique<Disturbance>();
	}
	void OnTestEnd(const testing::TestInfo &) override
	{
		disturbance_ = nullptr;
		printf("stopped %ld times\n", Disturbance::count() - before_);
	}

  private:
	std::unique_ptr<Disturbance> disturbance_;
	long before_ = 0;
};

} // namespace

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	testing::UnitTest::GetInstance()->listeners().Append(new DisturbEachTest);
	return RUN_ALL_TESTS();
}
