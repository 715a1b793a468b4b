/* An allocator for tests: it counts, and it makes the n-th allocation fail. The usual sweep:
 *
 *     failing_allocator_install();
 *     for (long n = 0, failed = 1; failed; n++) {
 *         failing_allocator_fail_at(n, FAIL_ONCE);
 *         ... what must survive it; its error must be ENOMEM or none ...
 *         failed = failing_allocator_failures() > 0;
 *         ... nothing was leaked: failing_allocator_live() is what it was ...
 *     }
 *     failing_allocator_remove();
 *
 * Thread: install and remove while nothing else of weft is alive; the rest any. */
#ifndef WF_TESTS_FAILING_ALLOCATOR_H
#define WF_TESTS_FAILING_ALLOCATOR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum failing_allocator_mode {
	FAIL_ONCE,  /* the n-th allocation fails, later ones succeed */
	FAIL_STICKY /* the n-th and all after it fail */
};

/* Becomes weft's allocator; counters at zero, nothing fails yet. */
void failing_allocator_install(void);
/* The C library's again. */
void failing_allocator_remove(void);

/* Counted from now, starting at 0; -1: none. Resets the counts of allocations and failures. */
void failing_allocator_fail_at(long n, enum failing_allocator_mode mode);

/* Attempts since the last fail_at, failed ones included. */
long failing_allocator_attempts(void);
/* How many of them failed. */
long failing_allocator_failures(void);
/* Blocks allocated less blocks freed, since install; and the bytes in them, as the C library rounds
 * them. */
long failing_allocator_live(void);
long failing_allocator_live_bytes(void);

#ifdef __cplusplus
}
#endif
#endif
