/* Producers and a consumer over a channel: three make numbers at their own pace, one adds them up.
 * The channel holds four at most, so nobody runs ahead; when the last producer has closed its end,
 * the consumer gets what is left and then the end. */
#include <stdio.h>
#include <weft/channel.h>
#include <weft/group.h>
#include <weft/timer.h>

enum { PRODUCERS = 3, NUMBERS = 5, AHEAD = 4 };

static int produce(void *arg)
{
	weft_sender *tx = arg;
	int rc = 0;
	for (int i = 1; i <= NUMBERS && rc == 0; i++) {
		rc = weft_sender_send(tx, &i);
		if (rc == 0) rc = weft_sleep_ms(1);
	}
	return rc;
}

/* As the last act of its producer, or when that could not start: either way the channel ends. */
static void close_sender(void *arg)
{
	weft_sender_close(arg);
}

static int consume(weft_receiver *rx, int *sum)
{
	int rc, number;
	while ((rc = weft_receiver_next(rx, &number)) == 1) {
		*sum += number;
		printf("%d\n", number);
	}
	return rc;
}

static int run(void *arg)
{
	weft_sender *tx, *mine;
	weft_receiver *rx;
	int sum = 0;
	(void)arg;
	int rc = weft_channel_open(int, AHEAD, &tx, &rx);
	if (rc) return rc;
	weft_group *group = weft_group_open(.name = "producers");
	for (int i = 0; i < PRODUCERS && rc == 0; i++) {
		rc = weft_sender_clone(tx, &mine);
		if (rc == 0) weft_spawn(group, produce, mine, .forget = true, .release = close_sender);
	}
	weft_sender_close(tx);
	if (rc == 0) rc = consume(rx, &sum);
	weft_receiver_close(rx);
	rc = weft_group_join(group, rc);
	printf("in all %d\n", sum);
	return rc == 0 && sum != PRODUCERS * NUMBERS * (NUMBERS + 1) / 2 ? WEFT_EPROTO : rc;
}

int main(void)
{
	return weft_main(run, NULL, .workers = 1);
}
