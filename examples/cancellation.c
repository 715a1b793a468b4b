/* Ending early: deadlines, the first failure, a job that must be interrupted, what must be finished
 * all the same, and clean-up that suspends. */
#include <stdlib.h>
#include <weft/weft.h>

/* Anything that waits; here, for what never comes. */
static int ask_the_oracle(void)
{
	return weft_sleep_ms(INT64_MAX);
}

static int ask_with_patience(void)
{
	weft_scope *patience = weft_scope_open(.timeout_ms = 5);
	int rc = ask_the_oracle();
	if (rc == 0) rc = ask_the_oracle();
	return weft_scope_close(patience, rc);
}

static int fetch(void *arg)
{
	weft_reason *why = arg;
	int rc = ask_the_oracle();
	*why = weft_cancel_reason(NULL);
	return rc;
}

static int fail(void *arg)
{
	(void)arg;
	return WEFT_ECONNREFUSED;
}

static int fetch_all_or_nothing(weft_reason *why)
{
	weft_group *group = weft_group_open(.name = "fetch");
	weft_spawn(group, fetch, &why[0]);
	weft_spawn(group, fetch, &why[1], .worker = WEFT_ANYWHERE);
	weft_spawn(group, fail, NULL, .name = "unlucky");
	return weft_group_join(group, 0);
}

/* A library that blocks, and its way of being told to stop. */
struct query {
	weft_future *interrupted;
};

static int run_query(void *arg)
{
	struct query *query = arg;
	return weft_future_join(query->interrupted) == 0 ? WEFT_ECANCELED : 0;
}

static void interrupt_query(void *arg)
{
	struct query *query = arg;
	weft_future_set(query->interrupted, 0, NULL);
}

static int look_up(void)
{
	struct query query = { 0 };
	int rc = weft_future_new(&query.interrupted);
	if (rc) return rc;
	weft_scope *patience = weft_scope_open(.timeout_ms = 5);
	rc = weft_offload(run_query, &query, .on_cancel = interrupt_query);
	rc = weft_scope_close(patience, rc);
	weft_future_unref(query.interrupted);
	return rc;
}

struct order {
	bool paid, shipped, table_wiped;
};

static void wipe_table(void *arg)
{
	struct order *order = arg;
	/* The task is cancelled, and yet this suspends: what was deferred runs under a shield. */
	order->table_wiped = weft_sleep_ms(1) == 0;
}

/* Money that went out must not be forgotten half-way. */
static int pay_and_ship(struct order *order)
{
	weft_scope *counter = weft_scope_open(.shield_ms = 1000);
	int rc = weft_sleep_ms(1);
	order->paid = rc == 0;
	if (rc == 0) rc = weft_sleep_ms(1);
	order->shipped = rc == 0;
	return weft_scope_close(counter, rc);
}

static int serve(void *arg)
{
	struct order *order = arg;
	int rc = weft_scope_defer(wipe_table, order);
	if (rc == 0) rc = pay_and_ship(order);
	/* The cancel that waited outside the shield is met here, and at every call that follows. */
	if (rc == 0) rc = ask_the_oracle();
	return rc;
}

static int close_early(struct order *order)
{
	weft_task *done;
	weft_group *group = weft_group_open(.name = "shop");
	weft_spawn(group, serve, order);
	int rc = weft_yield(); /* a customer comes in */
	weft_group_cancel(group);
	if (rc == 0) rc = weft_group_next(group, &done);
	if (rc == 1) rc = weft_task_result(done) == WEFT_ECANCELED ? 0 : WEFT_EPROTO;
	return weft_group_join(group, rc);
}

static int tour(void *arg)
{
	weft_reason why[2] = { WEFT_REASON_NONE, WEFT_REASON_NONE };
	struct order order = { 0 };
	(void)arg;
	if (ask_with_patience() != WEFT_EDEADLINE) return WEFT_EPROTO;
	if (fetch_all_or_nothing(why) != WEFT_ECONNREFUSED) return WEFT_EPROTO;
	if (why[0] != WEFT_REASON_SIBLING || why[1] != WEFT_REASON_SIBLING) return WEFT_EPROTO;
	if (look_up() != WEFT_EDEADLINE) return WEFT_EPROTO;
	int rc = close_early(&order);
	if (rc) return rc;
	return order.paid && order.shipped && order.table_wiped ? 0 : WEFT_EPROTO;
}

int main(void)
{
	return weft_main(tour, NULL, .workers = 2);
}
