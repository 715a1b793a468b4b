#include "runtime/ready.h"

#include <weft/error.h>

#include "context/alloc.h"

enum { FIRST_ROOM = 64 };

int wf_ready_grow(wf_ready *ready, uint32_t count)
{
	uint32_t had = ready->ring ? ready->mask + 1 : 0;
	if (count <= had) return 0;
	uint32_t room = had ? had : FIRST_ROOM;
	while (room < count) room *= 2;
	weft_task **ring = wf_zalloc(room * sizeof(*ring));
	if (ring == NULL) return WEFT_ENOMEM;
	for (uint32_t i = ready->first; i != ready->end; i++)
		ring[i & (room - 1)] = ready->ring[i & ready->mask];
	wf_free(ready->ring);
	ready->ring = ring;
	ready->mask = room - 1;
	return 0;
}

void wf_ready_fini(wf_ready *ready)
{
	wf_free(ready->ring);
	*ready = (wf_ready){ 0 };
}
