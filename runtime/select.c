/* One wait, many nodes. Whichever thing claims the wait has made its case happen, with all that
 * belongs to it (the item is copied, the permit taken) before the task runs again; every other one
 * fails to claim and keeps what it has. So "exactly one" needs no code here. */
#include "runtime/select.h"

#include <weft/error.h>
#include <weft/run.h>

#include "context/alloc.h"
#include "runtime/select_kinds.h"
#include "runtime/worker.h"

static size_t count_cases(const weft_case *cases)
{
	size_t n = 0;
	while (cases[n].kind != NULL) n++;
	return n;
}

/* The first that can happen at once, looked for from `start` on; -1: none. */
static int poll_all(const weft_case *cases, size_t n, size_t start)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = start + i < n ? start + i : start + i - n;
		if (cases[k].kind->poll(&cases[k])) return (int)k;
	}
	return -1;
}

static void unwatch_all(wf_case_watch *watches, size_t n)
{
	for (size_t i = 0; i < n; i++) watches[i].which->kind->unwatch(&watches[i]);
}

static int drain_case(const weft_case *cases)
{
	int i = 0;
	while (cases[i].kind != &wf_case_drain) i++;
	return i;
}

/* Waits for one of the watched cases; gives its index. */
static int park(const weft_case *cases, wf_case_watch *watches, size_t watched)
{
	int cause = wf_wait_park();
	unwatch_all(watches, watched);
	if (cause == WF_CAUSE_CANCEL) return WEFT_ECANCELED;
	if (cause == WF_CAUSE_DRAIN) return drain_case(cases);
	const wf_case_kind *kind = cases[cause].kind;
	if (kind->commit != NULL) kind->commit(&watches[cause]);
	return cause;
}

/* EAGAIN: poll again. */
static int wait_for_one(const weft_case *cases, wf_case_watch *watches, size_t n)
{
	unsigned flags = 0;
	for (size_t i = 0; i < n; i++) flags |= cases[i].kind->flags(&cases[i]);
	wf_ticket ticket = wf_wait_open(flags, "the first of several", cases);
	for (size_t i = 0; i < n; i++) {
		watches[i].which = &cases[i];
		watches[i].task = wf_task_here();
		watches[i].ticket = ticket;
		watches[i].cause = (int)i;
		int rc = cases[i].kind->watch(&watches[i]);
		if (wf_likely(rc == WF_WATCHED)) continue;
		/* It could not be watched; but if another one has won meanwhile, that one happened. */
		if (rc < 0 && !wf_wait_close()) return park(cases, watches, i);
		unwatch_all(watches, i);
		return rc < 0 ? rc : rc == WF_WATCH_DONE ? (int)i : WEFT_EAGAIN;
	}
	return park(cases, watches, n);
}

int weft_select_list(const weft_case *cases)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	size_t n = count_cases(cases);
	if (n == 0 || n > WF_SELECT_MAX) return WEFT_EINVAL;
	int index = poll_all(cases, n, wf_worker_here()->selects++ % n);
	if (index >= 0) return index;

	wf_case_watch few[WF_SELECT_ON_STACK], *watches = few;
	if (n > WF_SELECT_ON_STACK) {
		watches = wf_alloc(n * sizeof *watches);
		if (watches == NULL) return WEFT_ENOMEM;
	}
	index = wait_for_one(cases, watches, n);
	while (index == WEFT_EAGAIN) {
		index = poll_all(cases, n, 0);
		if (index < 0) index = wait_for_one(cases, watches, n);
	}
	if (watches != few) wf_free(watches);
	return index;
}
