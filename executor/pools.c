#include "executor/pools.h"

#include "executor/platform.h"

/* The lock guards the list. A pool that is shown stays until the lock is let go, because its end
 * begins with its removal. */
static wf_mutex lock = PTHREAD_MUTEX_INITIALIZER;
static wf_list pools = { &pools, &pools };

void wf_pools_add(wf_list *node)
{
	wf_mutex_lock(&lock);
	wf_list_push_back(&pools, node);
	wf_mutex_unlock(&lock);
}

void wf_pools_remove(wf_list *node)
{
	wf_mutex_lock(&lock);
	wf_list_remove(node);
	wf_mutex_unlock(&lock);
}

void wf_pools_each(wf_pools_fn *fn, void *arg)
{
	wf_mutex_lock(&lock);
	wf_list_for_each(node, &pools) fn(wf_pool_of_node(node), arg);
	wf_mutex_unlock(&lock);
}
