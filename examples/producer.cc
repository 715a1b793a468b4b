// The producer and the consumer from C++20.
#include <cstdio>
#include <weft/weft.h>

static int produce(void *arg)
{
	auto *tx = static_cast<weft_sender *>(arg);
	int rc = 0;
	for (int i = 0; i < 10 && rc == 0; i++) rc = weft_sender_send(tx, &i);
	weft_sender_close(tx);
	return rc;
}

static int consume(void *arg)
{
	auto *rx = static_cast<weft_receiver *>(arg);
	int rc, item;
	while ((rc = weft_receiver_next(rx, &item)) > 0) std::printf("%d\n", item);
	weft_receiver_close(rx);
	return rc;
}

static int both(void *)
{
	weft_sender *tx;
	weft_receiver *rx;
	int rc = weft_channel_open(int, 4, &tx, &rx);
	return rc ? rc : weft_gather({ produce, tx }, { consume, rx });
}

int main()
{
	return weft_main(both, nullptr, .workers = 2);
}
