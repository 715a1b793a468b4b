/* Every pool of the process, for whoever shows them: a list under a lock that only the making, the
 * end and the showing of pools take. */
#ifndef WF_EXECUTOR_POOLS_H
#define WF_EXECUTOR_POOLS_H

#include <weft/pool.h>

#include "context/list.h"

WEFT_BEGIN

typedef void wf_pools_fn(weft_pool *pool, void *arg);

/* `node` is inside `pool`, which must be removed before it goes. Thread: any. */
void wf_pools_add(wf_list *node);
void wf_pools_remove(wf_list *node);

/* Shows each of them, in the order they were made; `fn` must not make or free one. Thread: any. */
void wf_pools_each(wf_pools_fn *fn, void *arg);

/* For wf_pools_each: whose node it is. */
weft_pool *wf_pool_of_node(wf_list *node);

WEFT_END
#endif
