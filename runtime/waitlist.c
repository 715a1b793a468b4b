#include "runtime/waitlist.h"

#include <weft/error.h>

#include "runtime/worker.h"

int wf_waitlist_wait(
	wf_waitlist *list, wf_waiting *node, wf_spin *lock, const char *what, const void *object)
{
	*node = (wf_waiting){ .task = wf_task_here() };
	node->ticket = wf_wait_open(lock != NULL ? WF_WAIT_SHARED : 0, what, object);
	wf_waitlist_push(list, node);
	if (lock != NULL) wf_spin_unlock(lock);
	if (wf_wait_park() != WF_CAUSE_CANCEL) return 0;
	if (lock != NULL) wf_spin_lock(lock);
	wf_waitlist_remove(list, node);
	if (lock != NULL) wf_spin_unlock(lock);
	return WEFT_ECANCELED;
}
