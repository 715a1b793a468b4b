#include "context/random.h"
#include "context/clock.h"

#include <sys/random.h>

/* 2^64 divided by the golden ratio: as a step it visits every number, far apart from the last. */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* The state of the shared generator. A key of 0 is not yet made; each is made once, by whoever
 * comes first, and never changes, so relaxed order is enough for all three. */
static uint64_t shared_counter;
static uint64_t shared_keys[2];

/* The finalizer of SplitMix64: a bijection in which each input bit moves half of the output. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Where the kernel has no entropy to give (early boot, an old sandbox), time and place have to do:
 * identifiers must differ, and starting up must not fail for them. */
static void read_entropy(uint64_t *words, size_t count)
{
	size_t size = count * sizeof(*words);
	if (getrandom(words, size, GRND_NONBLOCK) == (ssize_t)size) return;
	uint64_t seed = (uint64_t)wf_wall_ns() ^ (uint64_t)(uintptr_t)words;
	seed ^= (uint64_t)wf_now_ns() << 20;
	for (size_t i = 0; i < count; i++) words[i] = mix(seed += GOLDEN);
}

void wf_random_init(wf_random *random)
{
	read_entropy(random->state, WEFT_COUNT(random->state));
	random->state[0] |= 1;
}

void wf_random_init_seeded(wf_random *random, uint64_t seed)
{
	for (size_t i = 0; i < WEFT_COUNT(random->state); i++) random->state[i] = mix(seed += GOLDEN);
	random->state[0] |= 1;
}

void wf_random_shared_seed(uint64_t seed)
{
	__atomic_store_n(&shared_counter, 0, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 2; i++) {
		uint64_t key = seed ? mix(seed + i * GOLDEN) | 1 : 0;
		__atomic_store_n(&shared_keys[i], key, __ATOMIC_RELAXED);
	}
}

static uint64_t make_key(uint64_t *key)
{
	uint64_t mine, found = 0;
	read_entropy(&mine, 1);
	mine |= 1;
	bool won =
		__atomic_compare_exchange_n(key, &found, mine, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return won ? mine : found;
}

static uint64_t shared_key(size_t i)
{
	uint64_t key = __atomic_load_n(&shared_keys[i], __ATOMIC_RELAXED);
	return wf_likely(key != 0) ? key : make_key(&shared_keys[i]);
}

void wf_random_fill(wf_random *random, uint64_t *numbers, size_t count)
{
	if (random != NULL) {
		/* In registers: for all the compiler knows, `numbers` might be part of it. */
		wf_random own = *random;
		for (size_t i = 0; i < count; i++) numbers[i] = wf_random_next(&own);
		*random = own;
		return;
	}
	uint64_t outer = shared_key(0), inner = shared_key(1);
	uint64_t from = __atomic_fetch_add(&shared_counter, count, __ATOMIC_RELAXED);
	for (size_t i = 0; i < count; i++) {
		numbers[i] = mix(mix((from + i) * GOLDEN ^ inner) + outer);
	}
}
