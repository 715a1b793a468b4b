/* Levels only rise, and a scope's level in force is never below what its own and its parent's say
 * (its parent's cancel counts as a drain while it is shielded). Raising therefore walks down only
 * where something changed, which bounds a cancel by the number of scopes it newly reaches. */
#include "runtime/scope.h"

static uint8_t inherited(const wf_scope *scope)
{
	uint8_t level = scope->parent ? scope->parent->level : WF_LEVEL_NONE;
	return scope->shielded && level > WF_LEVEL_DRAIN ? WF_LEVEL_DRAIN : level;
}

void wf_scope_shield(wf_scope *scope)
{
	scope->shielded = true;
	scope->level = inherited(scope);
}

/* Brings one scope up to its own level and its parent's. False: nothing changed. */
static bool refresh(wf_scope *scope)
{
	uint8_t level = inherited(scope);
	if (scope->own >= level) level = scope->own;
	if (level <= scope->level) return false;
	if (level == WF_LEVEL_CANCEL && scope->own < WF_LEVEL_CANCEL) {
		scope->reason = scope->parent->reason;
		scope->site = scope->parent->site;
	}
	scope->level = level;
	if (scope->raised != NULL) scope->raised(scope);
	return true;
}

static wf_scope *next_sibling(const wf_scope *scope)
{
	return wf_list_first(&scope->sibling, wf_scope, sibling);
}

/* The next scope of the walk below `top` that is not below `scope`, or NULL. The list's end is the
 * parent's own head, so a sibling pointer that leads there means "no more". */
static wf_scope *after(const wf_scope *top, wf_scope *scope)
{
	while (scope != top) {
		if (scope->sibling.next != &scope->parent->children) return next_sibling(scope);
		scope = scope->parent;
	}
	return NULL;
}

/* Depth first, in the order of opening, without recursion: the tree may be deeper than a stack. */
static void spread(wf_scope *top)
{
	wf_scope *scope = top;
	bool changed = refresh(top);
	while (scope != NULL) {
		if (changed && !wf_list_empty(&scope->children)) {
			scope = wf_list_first(&scope->children, wf_scope, sibling);
		} else {
			scope = after(top, scope);
		}
		if (scope != NULL) changed = refresh(scope);
	}
}

void wf_scope_raise(wf_scope *scope, int level, weft_reason reason, const char *site)
{
	if (level <= scope->own) return;
	scope->own = (uint8_t)level;
	if (level == WF_LEVEL_CANCEL && scope->level < WF_LEVEL_CANCEL) {
		scope->reason = (uint8_t)reason;
		scope->site = site;
	}
	spread(scope);
}

void wf_scope_unshield(wf_scope *scope)
{
	if (!scope->shielded) return;
	scope->shielded = false;
	spread(scope);
}
