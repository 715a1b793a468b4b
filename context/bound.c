/* A bound function is no more than the three things that belong together, in one block. */
#include "context/alloc.h"
#include "context/context.h"

#include <weft/error.h>

struct weft_bound {
	weft_context *context; /* one reference */
	weft_context_fn *fn;
	void *arg;
};

int weft_context_bind(weft_context_fn *fn, void *arg, weft_bound **out)
{
	weft_bound *bound = wf_alloc(sizeof(*bound));
	if (bound == NULL) return WEFT_ENOMEM;
	*bound = (weft_bound){ wf_context_capture(), fn, arg };
	*out = bound;
	return 0;
}

int weft_bound_call(weft_bound *bound)
{
	return weft_context_run(bound->context, bound->fn, bound->arg);
}

void weft_bound_free(weft_bound *bound)
{
	if (bound == NULL) return;
	wf_context_unref(bound->context);
	wf_free(bound);
}

void weft_bound_call_once(void *bound)
{
	weft_bound_call(bound);
	weft_bound_free(bound);
}
