/* Contexts are built once and never written again. Building goes through one function, in three
 * steps: allocate all that is needed, fill it, hand it out; a failure can happen in the first step
 * only, and then nothing has been touched but the values handed in, which are given up.
 *
 * A slot keeps its value alive in one of three ways, as its key says: nobody owns it; it counts
 * itself (ref and unref); or weft counts it in a box that all contexts with this value share. */
#include "context/context.h"
#include "context/alloc.h"

#include <string.h>
#include <weft/error.h>

struct wf_context_box {
	size_t refs;
};

weft_context wf_context_root_ = { .magic = WF_CONTEXT_MAGIC };

__thread weft_context *wf_context_now = &wf_context_root_;

const weft_key weft_key_suppress_instrumentation = { .name = "suppress_instrumentation" };

/* The number of contexts alive, spread so that two cores do not fight for a line. The address of a
 * thread-local tells threads apart without another thread-local. A shard may go below zero: a
 * context may die on another thread than it was born on. */
enum { live_shards = 16 };

static struct {
	_Alignas(WF_CACHE_LINE) ptrdiff_t count;
} live[live_shards];

static size_t mismatches;

static void count_live(ptrdiff_t by)
{
	uint64_t mixed = (uint64_t)(uintptr_t)&wf_context_now * UINT64_C(0x9e3779b97f4a7c15);
	__atomic_fetch_add(&live[mixed >> 60].count, by, __ATOMIC_RELAXED);
}

size_t wf_context_live(void)
{
	ptrdiff_t sum = 0;
	for (int i = 0; i < live_shards; i++) sum += __atomic_load_n(&live[i].count, __ATOMIC_RELAXED);
	return sum > 0 ? (size_t)sum : 0;
}

void weft_context_stats(weft_context_counts *counts)
{
	counts->live = wf_context_live();
	counts->mismatches = __atomic_load_n(&mismatches, __ATOMIC_RELAXED);
}

static void slot_ref(const wf_context_slot *slot)
{
	if (slot->box != NULL) {
		__atomic_fetch_add(&slot->box->refs, 1, __ATOMIC_RELAXED);
	} else if (slot->key->ref != NULL) {
		slot->key->ref(slot->value);
	}
}

/* The pairing of orders is that of wf_context_unref. */
static void slot_unref(const wf_context_slot *slot)
{
	if (slot->key->unref == NULL) return;
	if (slot->box != NULL) {
		if (__atomic_fetch_sub(&slot->box->refs, 1, __ATOMIC_ACQ_REL) != 1) return;
		wf_free(slot->box);
	}
	slot->key->unref(slot->value);
}

/* A destructor may free other contexts, and may log; it must not find the values of whoever
 * happened to hold the last reference. */
void wf_context_destroy(weft_context *context)
{
	weft_context *former = wf_context_attach(&wf_context_root_);
	for (size_t i = 0; i < context->count; i++) slot_unref(&context->slots[i]);
	wf_context_attach(former);
	context->magic = 0;
	count_live(-1);
	wf_free(context);
}

static bool owned_by_weft(const weft_key *key)
{
	return key->unref != NULL && key->ref == NULL;
}

static void give_up(const wf_context_change *changes, size_t count)
{
	weft_context *former = wf_context_attach(&wf_context_root_);
	for (size_t i = 0; i < count; i++) {
		const weft_key *key = changes[i].key;
		if (key->unref != NULL && changes[i].value != NULL) key->unref(changes[i].value);
	}
	wf_context_attach(former);
}

static int check_changes(const wf_context_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const weft_key *key = changes[i].key;
		if (changes[i].value != NULL) continue;
		if (key->unref != NULL && !changes[i].unset) return WEFT_ENOMEM;
		if (key->flags & WEFT_KEY_REQUIRED) return WEFT_EINVAL;
	}
	return 0;
}

/* Whether the result would have too many slots; a changed key that is there takes its old place. */
static bool too_many(const weft_context *base, const wf_context_change *changes, size_t count)
{
	size_t slots = base->count + count;
	for (size_t i = 0; i < count && slots > WEFT_CONTEXT_KEYS_MAX; i++) {
		if (wf_context_find(base, changes[i].key) != NULL) slots--;
	}
	return slots > WEFT_CONTEXT_KEYS_MAX;
}

static void free_boxes(wf_context_box **boxes, size_t count)
{
	for (size_t i = 0; i < count; i++) wf_free(boxes[i]);
}

static int make_boxes(const wf_context_change *changes, size_t count, wf_context_box **boxes)
{
	for (size_t i = 0; i < count; i++) {
		boxes[i] = NULL;
		if (changes[i].unset || !owned_by_weft(changes[i].key)) continue;
		boxes[i] = wf_alloc(sizeof(wf_context_box));
		if (boxes[i] == NULL) {
			free_boxes(boxes, i);
			return WEFT_ENOMEM;
		}
		boxes[i]->refs = 1;
	}
	return 0;
}

/* Changed keys keep their place, new ones follow. */
static void fill_slots(weft_context *context, const weft_context *base,
	const wf_context_change *changes, size_t count, wf_context_box **boxes)
{
	unsigned placed = 0;
	wf_context_slot *slot = context->slots;
	for (size_t i = 0; i < base->count; i++) {
		const wf_context_slot *old = &base->slots[i];
		size_t at = 0;
		while (at < count && changes[at].key != old->key) at++;
		if (at == count) {
			slot_ref(old);
			*slot++ = *old;
			continue;
		}
		placed |= 1u << at;
		if (changes[at].value == NULL) continue;
		*slot++ = (wf_context_slot){ old->key, changes[at].value, boxes[at] };
	}
	for (size_t i = 0; i < count; i++) {
		if (placed & 1u << i || changes[i].value == NULL) continue;
		*slot++ = (wf_context_slot){ changes[i].key, changes[i].value, boxes[i] };
	}
	context->count = (uint16_t)(slot - context->slots);
}

static uint16_t changed_flags(
	const weft_context *base, const wf_context_change *changes, size_t count)
{
	unsigned flags = base->flags;
	for (size_t i = 0; i < count; i++) {
		if (changes[i].key != &weft_key_suppress_instrumentation) continue;
		flags &= ~(unsigned)WF_CONTEXT_NO_SPANS;
		if (changes[i].value != NULL) flags |= WF_CONTEXT_NO_SPANS;
	}
	return (uint16_t)flags;
}

static int derive(weft_context *base, const wf_trace *trace, const wf_context_change *changes,
	size_t count, weft_context **out)
{
	wf_context_box *boxes[WF_CONTEXT_CHANGES_MAX];
	if (too_many(base, changes, count)) return WEFT_EFULL;
	int rc = make_boxes(changes, count, boxes);
	if (rc != 0) return rc;
	size_t slots = base->count + count;
	weft_context *context = wf_alloc(sizeof(*context) + slots * sizeof(wf_context_slot));
	if (context == NULL) {
		free_boxes(boxes, count);
		return WEFT_ENOMEM;
	}
	context->refs = 1;
	context->magic = WF_CONTEXT_MAGIC;
	context->flags = changed_flags(base, changes, count);
	context->trace = trace ? *trace : base->trace;
	fill_slots(context, base, changes, count, boxes);
	count_live(1);
	*out = context;
	return 0;
}

int wf_context_derive(weft_context *base, const wf_trace *trace, const wf_context_change *changes,
	size_t count, weft_context **out)
{
	wf_assert(count <= WF_CONTEXT_CHANGES_MAX);
	int rc = check_changes(changes, count);
	if (rc == 0) rc = derive(base, trace, changes, count, out);
	if (rc != 0) give_up(changes, count);
	return rc;
}

int wf_context_with(weft_context *base, const weft_key *key, void *value, weft_context **out)
{
	return wf_context_derive(base, NULL, &(wf_context_change){ key, value, false }, 1, out);
}

int wf_context_with_trace(weft_context *base, const wf_trace *trace, weft_context **out)
{
	return wf_context_derive(base, trace, NULL, 0, out);
}

void wf_context_renew(weft_context *context, const weft_context *base, const wf_trace *trace)
{
	wf_debug_assert(wf_context_is_sole(context) && context->count == base->count);
	context->flags = base->flags;
	context->trace = *trace;
}

void *weft_context_get(const weft_key *key)
{
	return wf_context_get_from(wf_context_now, key);
}

void *weft_context_get_from(const weft_context *context, const weft_key *key)
{
	return wf_context_get_from(context, key);
}

int weft_context_require(const weft_key *key, void **value)
{
	const weft_context *context = wf_context_now;
	if (context->flags & WF_CONTEXT_SUPPRESSED) return WEFT_ENOCONTEXT;
	void *found = wf_context_find(context, key);
	if (found == NULL) return WEFT_ENOCONTEXT;
	*value = found;
	return 0;
}

weft_context *weft_context_capture(void)
{
	return wf_context_capture();
}

weft_context *weft_context_ref(weft_context *context)
{
	return wf_context_ref(context);
}

void weft_context_unref(weft_context *context)
{
	wf_context_unref(context);
}

int weft_context_with(weft_context *base, const weft_key *key, void *value, weft_context **out)
{
	return wf_context_with(base ? base : wf_context_now, key, value, out);
}

/* Makes `former` current again. Finding anything but what the scope had attached means that a
 * scope inside it was left open: its holder has lost the race for order, not its reference, so
 * going on is safe. */
static void leave(weft_context *attached, weft_context *former)
{
	weft_context *found = wf_context_attach(former);
	wf_debug_assert(found == attached);
	if (wf_unlikely(found != attached)) __atomic_fetch_add(&mismatches, 1, __ATOMIC_RELAXED);
}

int weft_context_run(weft_context *context, weft_context_fn *fn, void *arg)
{
	weft_context *former = wf_context_attach(context);
	int rc = fn(arg);
	leave(context, former);
	return rc;
}

void weft_context_enter(weft_context *context, weft_context_scope *scope)
{
	scope->current = wf_context_ref(context);
	scope->former = wf_context_attach(context);
}

int weft_context_suppress(weft_context_scope *scope)
{
	weft_context *base = wf_context_now, *quiet;
	if (base->flags & WF_CONTEXT_SUPPRESSED) {
		weft_context_enter(base, scope);
		return 0;
	}
	int rc = wf_context_derive(base, NULL, NULL, 0, &quiet);
	if (rc != 0) return rc;
	quiet->flags |= WF_CONTEXT_SUPPRESSED;
	scope->current = quiet;
	scope->former = wf_context_attach(quiet);
	return 0;
}

void weft_context_restore(weft_context_scope *scope)
{
	wf_assert(scope->current != NULL);
	leave(scope->current, scope->former);
	wf_context_unref(scope->current);
	scope->current = NULL;
}

static const char *describe(const wf_context_slot *slot, char *text, size_t size)
{
	if (slot->key->flags & WEFT_KEY_REDACT) return "[redacted]";
	if (slot->key->print == NULL) return "(set)";
	text[0] = '\0';
	slot->key->print(slot->value, text, size);
	return text;
}

void weft_context_visit(const weft_context *context, weft_context_visit_fn *visit, void *arg)
{
	char text[256];
	if (context == NULL) context = wf_context_now;
	for (size_t i = 0; i < context->count; i++) {
		const wf_context_slot *slot = &context->slots[i];
		if (!(slot->key->flags & WEFT_KEY_DIAGNOSTIC)) continue;
		if (!visit(slot->key, describe(slot, text, sizeof(text)), arg)) return;
	}
}
