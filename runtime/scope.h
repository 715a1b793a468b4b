/* The tree of scopes of one worker: what is asked of a stretch of work, and handed down.
 *
 * A scope is asked to drain (finish up, take no new work) or to cancel (stop at the next
 * checkpoint). Both are levels, not events: they only rise, and everything below a scope has at
 * least its level. A shield holds a cancel back, never a drain. One scope stands for each running
 * task, each stretch that weft_scope_open brackets, each group (per worker), each idle connection.
 *
 * The tree belongs to its worker. Parts of a group on other workers are trees of their own, kept in
 * step by messages (group.h). */
#ifndef WF_RUNTIME_SCOPE_H
#define WF_RUNTIME_SCOPE_H

#include <assert.h>
#include <weft/scope.h>

#include "context/list.h"

WEFT_BEGIN

enum { WF_LEVEL_NONE, WF_LEVEL_DRAIN, WF_LEVEL_CANCEL };

typedef struct wf_scope wf_scope;
/* The level of `scope` rose. Must not change the tree: note it, make something ready, return. */
typedef void wf_scope_fn(wf_scope *scope);

struct wf_scope {
	wf_scope *parent;
	wf_list children;
	wf_list sibling;
	wf_scope_fn *raised;
	const char *site; /* who asked: file:line or a name; NULL when nobody did */
	uint8_t level;    /* in force: own and inherited */
	uint8_t own;      /* asked of this very scope */
	uint8_t shielded;
	uint8_t reason; /* weft_reason of the cancel in force */
	uint32_t spare;
};
static_assert(sizeof(wf_scope) <= 64, "an idle connection embeds one");

/* Under `parent` (NULL for a root), at its level from the start; `raised` is not called for that.
 */
static inline void wf_scope_init(wf_scope *scope, wf_scope *parent, wf_scope_fn *raised)
{
	scope->parent = parent;
	scope->raised = raised;
	wf_list_init(&scope->children);
	scope->own = WF_LEVEL_NONE;
	scope->shielded = false;
	if (wf_unlikely(parent == NULL)) {
		wf_list_init(&scope->sibling);
		scope->level = WF_LEVEL_NONE;
		scope->reason = WEFT_REASON_NONE;
		scope->site = NULL;
		return;
	}
	wf_list_push_back(&parent->children, &scope->sibling);
	scope->level = parent->level;
	scope->reason = parent->reason;
	scope->site = parent->site;
}
/* Right after init: from here on cancels from outside wait. */
void wf_scope_shield(wf_scope *scope);
/* Takes it out of the tree. It has no children any more. */
static inline void wf_scope_fini(wf_scope *scope)
{
	wf_assert(wf_list_empty(&scope->children));
	wf_list_remove(&scope->sibling);
	scope->parent = NULL;
}
/* Asks `level` of it and everything below. Lower or equal levels change nothing. */
void wf_scope_raise(wf_scope *scope, int level, weft_reason reason, const char *site);
/* Ends the shield: what the parent was asked meanwhile arrives now. */
void wf_scope_unshield(wf_scope *scope);

WEFT_END
#endif
