/* Random numbers for identifiers: fast, well distributed, different in every process. Not for
 * keys or tokens: who has seen enough of them may guess the next.
 *
 * A worker owns a generator and draws from it without sharing anything (xoshiro256**, Blackman and
 * Vigna). Every other thread passes NULL and draws from a shared one, which is a counter behind a
 * keyed bijection: one atomic addition, and two draws of one process never collide. */
#ifndef WF_CONTEXT_RANDOM_H
#define WF_CONTEXT_RANDOM_H

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_random {
	uint64_t state[4]; /* never all zero */
} wf_random;

/* Seeded by the kernel. Never fails. Thread: the owner. */
void wf_random_init(wf_random *random);

/* The same seed gives the same numbers: for simulations. Thread: the owner. */
void wf_random_init_seeded(wf_random *random, uint64_t seed);

/* Makes the shared generator repeatable too; 0 makes it start from the kernel's entropy again.
 * Thread: one, while no other draws. */
void wf_random_shared_seed(uint64_t seed);

/* `count` numbers. NULL: from the shared generator. Thread: the owner; any for the shared one. */
void wf_random_fill(wf_random *random, uint64_t *numbers, size_t count);

static inline uint64_t wf_random_next(wf_random *random)
{
	uint64_t *s = random->state;
	uint64_t five = s[1] * 5, result = (five << 7 | five >> 57) * 9, shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = s[3] << 45 | s[3] >> 19;
	return result;
}

WEFT_END
#endif
