/* What the layers above need of contexts beyond <weft/context.h>: the current one as a plain
 * pointer, and what is hot as inline code.
 *
 * A context never changes after it was handed out, so that reading it needs no lock and no order;
 * only its count is shared. The slots lie flat behind the head: a lookup is one scan of at most
 * a few cache lines, and a context pins none of those it was made from.
 *
 * The count uses the compiler's atomics on a plain integer because _Atomic does not compile as
 * C++, and tests include this header. */
#ifndef WF_CONTEXT_CONTEXT_H
#define WF_CONTEXT_CONTEXT_H

#include "context/base.h"
#include <weft/context.h>

WEFT_BEGIN

/* Room for a UUID in its longest usual spelling. */
#define WF_REQUEST_ID_SIZE 40

/* Who this call is, for everybody who watches. It lies in the head rather than in a slot because
 * each log line and each span wants it. All zero: no trace. */
typedef struct wf_trace {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8];                /* the span that caused this one, zero for the first */
	uint8_t flags;                       /* W3C: bit 0 sampled, bit 1 random */
	char request_id[WF_REQUEST_ID_SIZE]; /* printable ASCII, "" when there is none */
} wf_trace;

/* Counts the contexts that hold a value whose key has `unref` alone. */
typedef struct wf_context_box wf_context_box;

typedef struct wf_context_slot {
	const weft_key *key;
	void *value; /* never NULL */
	wf_context_box *box;
} wf_context_slot;

enum {
	WF_CONTEXT_SUPPRESSED = 1, /* nothing flows out of here */
	WF_CONTEXT_NO_SPANS = 2,   /* weft_key_suppress_instrumentation is set */
	WF_CONTEXT_MAGIC = 0x63747877,
};

struct weft_context {
	size_t refs; /* unused in the root */
	uint32_t magic;
	uint16_t count; /* slots */
	uint16_t flags;
	wf_trace trace;
	wf_context_slot slots[];
};

extern weft_context wf_context_root_ __attribute__((visibility("hidden")));

/* The current context of this task or thread; never NULL, also on threads weft has never seen.
 * One of the library's two thread-locals. It owns nothing: whoever attached a context holds the
 * reference. Each task switch is a wf_context_attach. */
extern __thread weft_context *wf_context_now
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline weft_context *wf_context_root(void)
{
	return &wf_context_root_;
}

/* Borrowed: lives while it stays current. */
static inline weft_context *wf_context_current(void)
{
	return wf_context_now;
}

/* Makes `context` current and returns what was. No count changes. Whoever leaves a task saves what
 * this returns, which need not be what it had attached: the task may stand inside a scope. */
static inline weft_context *wf_context_attach(weft_context *context)
{
	weft_context *former = wf_context_now;
	wf_debug_assert(context->magic == WF_CONTEXT_MAGIC);
	wf_context_now = context;
	return former;
}

/* The root is not counted, so that a thousand idle tasks do not share a hot cache line. Relaxed: a
 * new reference is made from one that keeps the context alive. */
static inline weft_context *wf_context_ref(weft_context *context)
{
	wf_debug_assert(context->magic == WF_CONTEXT_MAGIC);
	if (context != &wf_context_root_) __atomic_fetch_add(&context->refs, 1, __ATOMIC_RELAXED);
	return context;
}

/* Whether the caller's reference is the only one: nobody else can make another meanwhile. Acquire,
 * as in wf_context_unref. */
static inline bool wf_context_is_sole(const weft_context *context)
{
	return __atomic_load_n(&context->refs, __ATOMIC_ACQUIRE) == 1;
}

/* Runs the destructors of the values and frees. */
void wf_context_destroy(weft_context *context);

/* Release, so that what this holder did with the values happens before their destructors; acquire,
 * so that the destroyer sees it. Accepts NULL. */
static inline void wf_context_unref(weft_context *context)
{
	if (context == NULL || context == &wf_context_root_) return;
	wf_debug_assert(context->magic == WF_CONTEXT_MAGIC);
	if (wf_context_is_sole(context) || __atomic_fetch_sub(&context->refs, 1, __ATOMIC_ACQ_REL) == 1)
		wf_context_destroy(context);
}

/* A reference to what flows into work that is started now. Never NULL, never fails. */
static inline weft_context *wf_context_capture(void)
{
	weft_context *context = wf_context_now;
	if (wf_unlikely(context->flags & WF_CONTEXT_SUPPRESSED)) return &wf_context_root_;
	return wf_context_ref(context);
}

/* NULL when it is not set; knows nothing of fallbacks. */
static inline void *wf_context_find(const weft_context *context, const weft_key *key)
{
	for (const wf_context_slot *slot = context->slots, *end = slot + context->count; slot < end;
		 slot++) {
		if (slot->key == key) return slot->value;
	}
	return NULL;
}

static inline void *wf_context_get_from(const weft_context *context, const weft_key *key)
{
	void *value = wf_context_find(context, key);
	if (wf_likely(value != NULL)) return value;
	return key->flags & WEFT_KEY_REQUIRED ? NULL : key->fallback;
}

/* Whose call this is. Borrowed, like the current context. */
static inline const wf_trace *wf_context_trace(void)
{
	return &wf_context_now->trace;
}

/* False inside an exporter: its own calls must not become spans. */
static inline bool wf_context_wants_spans(void)
{
	return (wf_context_now->flags & WF_CONTEXT_NO_SPANS) == 0;
}

#define WF_CONTEXT_CHANGES_MAX 8

typedef struct wf_context_change {
	const weft_key *key;
	void *value;
	bool unset; /* take the key out; the value is NULL */
} wf_context_change;

/* A new context: `base` with another trace identity (NULL: the same) and some values set, in one
 * allocation beside those of values that weft counts. A key appears once in
 * `changes`, which are at most WF_CONTEXT_CHANGES_MAX. References
 * to the values are taken over, also on failure; `*out` is one reference.
 * Errors: as weft_context_with. */
WEFT_MUST int wf_context_derive(weft_context *base, const wf_trace *trace,
	const wf_context_change *changes, size_t count, weft_context **out);

WEFT_MUST int wf_context_with(
	weft_context *base, const weft_key *key, void *value, weft_context **out);

/* `context` was derived from `base` without a change, and its only holder is done with it: makes it
 * what wf_context_with_trace(base, trace) would give. */
void wf_context_renew(weft_context *context, const weft_context *base, const wf_trace *trace);

/* What a request starts with. One allocation. Errors: ENOMEM. */
WEFT_MUST int wf_context_with_trace(weft_context *base, const wf_trace *trace, weft_context **out);

/* Contexts alive beside the root; exact when nobody makes or frees one meanwhile. */
size_t wf_context_live(void);

WEFT_END
#endif
