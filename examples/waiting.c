/* What tasks wait for: a lock around something slow, a channel between workers, the first of
 * several things, many calls at once, and the fastest of a few. */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

/* A value that is slow to fetch, and must be fetched once however many ask for it. */
struct price {
	weft_mutex mutex;
	int cents, fetched;
};

static int ask(void *arg)
{
	struct price *price = arg;
	int rc = weft_mutex_lock(&price->mutex);
	if (rc) return rc;
	if (price->cents == 0) {
		rc = weft_sleep_ms(2); /* the others wait for the mutex meanwhile */
		price->cents = 499;
		price->fetched++;
	}
	weft_mutex_unlock(&price->mutex);
	return rc;
}

static int share_a_price(void)
{
	struct price price = { .cents = 0 };
	int rc = weft_gather({ ask, &price }, { ask, &price }, { ask, &price });
	printf("three asked, fetched %d time(s)\n", price.fetched);
	return rc ? rc : price.fetched == 1 ? 0 : WEFT_EINVAL;
}

/* Orders that own their memory. What is left when nobody packs any more is freed by the channel. */
struct order {
	int number;
};

static void drop_order(void *item)
{
	free(*(struct order **)item);
}

static int sell_one(weft_sender *tx, int number)
{
	struct order *order = malloc(sizeof *order);
	if (order == NULL) return WEFT_ENOMEM;
	order->number = number;
	int rc = weft_sender_send(tx, &order);
	if (rc) free(order); /* it was not sent, so it is still ours */
	return rc;
}

static int sell(void *arg)
{
	weft_sender *tx = arg;
	int rc = 0;
	for (int i = 1; i <= 5 && rc == 0; i++) rc = sell_one(tx, i);
	weft_sender_close(tx);
	return rc;
}

static int pack(weft_receiver *rx)
{
	int rc, packed = 0;
	struct order *order;
	while ((rc = weft_receiver_next(rx, &order)) > 0) {
		packed += order->number;
		free(order);
	}
	printf("packed %d\n", packed);
	return rc;
}

static int sell_on_another_worker(void)
{
	weft_sender *tx;
	weft_receiver *rx;
	int rc = weft_channel_open(struct order *, 2, &tx, &rx, .shared = true, .drop = drop_order);
	if (rc) return rc;
	weft_group *group = weft_group_open(.name = "shop");
	rc = weft_spawn(group, sell, tx, .worker = 2);
	if (rc)
		weft_sender_close(tx);
	else
		rc = pack(rx);
	weft_receiver_close(rx);
	return weft_group_join(group, rc);
}

/* Readings as they come, a dot when none does for a while, an end when asked to finish. */
static int watch(weft_receiver *rx)
{
	int rc = 0, got, reading;
	while (rc >= 0) {
		rc = weft_select(weft_on_next(rx, &reading, &got), weft_on_ms(20), weft_on_drain());
		if (rc == 0 && got <= 0) return got;
		if (rc == 0) printf("reading %d\n", reading);
		if (rc == 1) puts(".");
		if (rc == 2) return 0;
	}
	return rc;
}

static int measure(void *arg)
{
	weft_sender *tx = arg;
	int rc = 0;
	for (int i = 0; i < 3 && rc == 0; i++) {
		rc = weft_sleep_ms(i == 1 ? 30 : 1);
		if (rc == 0) rc = weft_sender_send(tx, &i);
	}
	weft_sender_close(tx);
	return rc;
}

static int watch_readings(void)
{
	weft_sender *tx;
	weft_receiver *rx;
	int rc = weft_channel_open(int, 0, &tx, &rx);
	if (rc) return rc;
	weft_group *group = weft_group_open(.name = "readings");
	rc = weft_spawn(group, measure, tx);
	if (rc)
		weft_sender_close(tx);
	else
		rc = watch(rx);
	weft_receiver_close(rx);
	return weft_group_join(group, rc);
}

/* The replica that answers first. The next is asked when one has failed, or is slow. */
struct replica {
	int takes_ms, result;
	char *answer;
};

static int ask_replica(void *arg)
{
	struct replica *replica = arg;
	int rc = weft_sleep_ms(replica->takes_ms);
	if (rc == 0) rc = replica->result;
	if (rc == 0) replica->answer = malloc(16);
	return rc == 0 && replica->answer == NULL ? WEFT_ENOMEM : rc;
}

static void forget_answer(void *arg)
{
	struct replica *replica = arg;
	free(replica->answer);
}

static int ask_the_fastest(void)
{
	struct replica replicas[] = { { .takes_ms = 60000 }, { .result = WEFT_ECONNREFUSED },
		{ .takes_ms = 1 } };
	int won = weft_race_each(
		ask_replica, replicas, WEFT_COUNT(replicas), .stagger_ms = 5, .undo = forget_answer);
	if (won < 0) return won;
	printf("replica %d answered\n", won);
	free(replicas[won].answer);
	return 0;
}

/* Many calls, a few at a time. */
static int fetch_page(void *arg)
{
	int *size = arg;
	int rc = weft_sleep_ms(1);
	if (rc == 0) *size = 1;
	return rc;
}

static int fetch_all(void)
{
	int sizes[40] = { 0 };
	int rc = weft_gather_each(fetch_page, sizes, WEFT_COUNT(sizes), .at_once = 8);
	printf("fetched, the last one of size %d\n", sizes[39]);
	return rc;
}

static int show(void *arg)
{
	(void)arg;
	int rc = share_a_price();
	if (rc == 0) rc = sell_on_another_worker();
	if (rc == 0) rc = watch_readings();
	if (rc == 0) rc = ask_the_fastest();
	if (rc == 0) rc = fetch_all();
	return rc;
}

int main(void)
{
	return weft_main(show, NULL, .workers = 2);
}
