/* The promises of the transport at the counts they name. */
#include "tests/net/delivery.h"

namespace
{

struct TransportInFull : OnBackend {
};

ON_EACH_BACKEND(TransportInFull);

TEST_P(TransportInFull, AThousandProxiesDeliverEveryByteAndAnOrderlyEnd)
{
	expect_all_delivered(GetParam(), "", 1000, 50 * MEGABYTES);
}

TEST_P(TransportInFull, AHundredDeliverThoughTheDestinationTalksBack)
{
	expect_all_delivered(GetParam(), "nobody reads this", 100, 50 * MEGABYTES);
}

TEST_P(TransportInFull, AHundredThousandConnectionsUseNoMoreDescriptors)
{
	EXPECT_EQ(0, run([] { return come_and_go(100000); }));
}

} // namespace
