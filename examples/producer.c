/* A producer and a consumer: a channel between them holds four items, so the faster one waits. Both
 * end when the producer has closed its end and the rest is consumed. */
#include <stdio.h>
#include <weft/weft.h>

static int produce(void *arg)
{
	weft_sender *tx = arg;
	int rc = 0;
	for (int i = 0; i < 10 && rc == 0; i++) {
		rc = weft_sleep_ms(10);
		if (rc == 0) rc = weft_sender_send(tx, &i);
	}
	weft_sender_close(tx);
	return rc;
}

static int consume(void *arg)
{
	weft_receiver *rx = arg;
	int rc, item;
	while ((rc = weft_receiver_next(rx, &item)) > 0) printf("%d\n", item);
	weft_receiver_close(rx);
	return rc;
}

static int both(void *arg)
{
	const size_t *capacity = arg;
	weft_sender *tx;
	weft_receiver *rx;
	int rc = weft_channel_open(int, *capacity, &tx, &rx);
	return rc ? rc : weft_gather({ produce, tx }, { consume, rx });
}

int main(void)
{
	size_t capacity = 4;
	return weft_main(both, &capacity);
}
