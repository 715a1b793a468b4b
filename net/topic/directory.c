/* Topics by name.
 *
 * The table has parts, each with its own lock and its own buckets, which double as topics come. It
 * is shared by all runs of the process, so a topic is found by its run as well; with the last topic
 * of a part its buckets go. Names come from strangers: the hash is keyed, so that nobody can fill
 * one bucket on purpose.
 *
 *   beside each other   any two calls; those on the same part take turns at its lock, which is held
 *                       for one look along a bucket (growing: along the part) */
#include <string.h>

#include "context/alloc.h"
#include "context/random.h"
#include "executor/platform.h"
#include "net/topic/topic.h"
#include "runtime/run.h"

typedef struct part {
	wf_spin lock;
	unsigned count, bucket_count; /* a power of two, or 0 */
	wf_topic **buckets;
} part;

static part parts[WF_TOPIC_PARTS];

/* The hash: SipHash-1-3 (Aumasson and Bernstein). */

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint64_t sip_hash(const uint64_t key[2], const char *data, size_t size)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	uint64_t word;
	size_t at = 0;
	for (; at + 8 <= size; at += 8) {
		memcpy(&word, data + at, 8);
		sip_word(v, word);
	}
	word = (uint64_t)size << 56;
	for (size_t i = at; i < size; i++) word |= (uint64_t)(unsigned char)data[i] << 8 * (i - at);
	sip_word(v, word);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++) sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Drawn at the first use. */
static struct {
	wf_spin lock;
	bool drawn;
	uint64_t words[2];
} secret;

static uint64_t hash_of(const void *run, const char *name, size_t size)
{
	/* Acquire: pairs with the release below. */
	if (wf_unlikely(!__atomic_load_n(&secret.drawn, __ATOMIC_ACQUIRE))) {
		wf_spin_lock(&secret.lock);
		if (!secret.drawn) wf_random_fill(NULL, secret.words, 2);
		__atomic_store_n(&secret.drawn, true, __ATOMIC_RELEASE);
		wf_spin_unlock(&secret.lock);
	}
	uint64_t key[2] = { secret.words[0] ^ (uint64_t)(uintptr_t)run, secret.words[1] };
	return sip_hash(key, name, size);
}

/* A part, under its lock. */

static part *part_of(uint64_t hash)
{
	return &parts[hash & (WF_TOPIC_PARTS - 1)];
}

static wf_topic **bucket_of(const part *p, uint64_t hash)
{
	return &p->buckets[hash / WF_TOPIC_PARTS & (p->bucket_count - 1)];
}

static wf_topic *look(const part *p, const void *run, uint64_t hash, const char *name)
{
	if (p->count == 0) return NULL;
	for (wf_topic *topic = *bucket_of(p, hash); topic != NULL; topic = topic->next)
		if (topic->hash == hash && topic->run == run && strcmp(topic->name, name) == 0)
			return topic;
	return NULL;
}

static void insert(part *p, wf_topic *topic)
{
	wf_topic **bucket = bucket_of(p, topic->hash);
	topic->next = *bucket;
	*bucket = topic;
	p->count++;
}

static void move_all(part *p, wf_topic **buckets, unsigned bucket_count)
{
	part old = *p;
	p->buckets = buckets;
	p->bucket_count = bucket_count;
	p->count = 0;
	for (unsigned i = 0; i < old.bucket_count; i++) {
		while (old.buckets[i] != NULL) {
			wf_topic *topic = old.buckets[i];
			old.buckets[i] = topic->next;
			insert(p, topic);
		}
	}
	wf_free(old.buckets);
}

/* Room for one more. A part that cannot grow goes on with longer buckets; only the first ones it
 * cannot do without. */
static bool make_room(part *p)
{
	if (p->count < p->bucket_count) return true;
	unsigned bucket_count = p->bucket_count ? p->bucket_count * 2 : WF_TOPIC_BUCKETS;
	wf_topic **buckets = wf_zalloc(bucket_count * sizeof *buckets);
	if (buckets == NULL) return p->bucket_count > 0;
	move_all(p, buckets, bucket_count);
	return true;
}

static void take_out(part *p, const wf_topic *topic)
{
	wf_topic **at = bucket_of(p, topic->hash);
	while (*at != topic) at = &(*at)->next;
	*at = topic->next;
	if (--p->count > 0) return;
	wf_free(p->buckets);
	p->buckets = NULL;
	p->bucket_count = 0;
}

/* Topics. */

static wf_topic *make(const wf_run *run, uint64_t hash, const char *name, size_t size)
{
	size_t seats = (size_t)run->worker_count * sizeof(wf_topic_seat);
	wf_topic *topic = wf_alloc_aligned(WF_CACHE_LINE, sizeof *topic + seats + size + 1);
	if (topic == NULL) return NULL;
	memset(topic, 0, sizeof *topic + seats);
	topic->run = run;
	topic->hash = hash;
	topic->refs = 1;
	topic->seat_count = run->worker_count;
	topic->name = memcpy(&topic->seats[run->worker_count], name, size + 1);
	for (int i = 0; i < run->worker_count; i++) wf_list_init(&topic->seats[i].members);
	return topic;
}

static wf_topic *find(part *p, const void *run, uint64_t hash, const char *name)
{
	wf_spin_lock(&p->lock);
	wf_topic *topic = look(p, run, hash, name);
	if (topic != NULL) topic->refs++;
	wf_spin_unlock(&p->lock);
	return topic;
}

/* Somebody else may have put one in meanwhile: then that is it, and `made` goes. */
static wf_topic *put(part *p, wf_topic *made)
{
	wf_spin_lock(&p->lock);
	wf_topic *topic = look(p, made->run, made->hash, made->name);
	if (topic != NULL) {
		topic->refs++;
	} else if (make_room(p)) {
		insert(p, made);
		topic = made;
	}
	wf_spin_unlock(&p->lock);
	if (topic != made) wf_free(made);
	return topic;
}

int wf_topic_check_name(const char *name, size_t *size)
{
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	*size = strnlen(name, WEFT_TOPIC_NAME_MAX + 1);
	return *size == 0 || *size > WEFT_TOPIC_NAME_MAX ? WEFT_EINVAL : 0;
}

int wf_topic_take(const char *name, wf_topic **out)
{
	size_t size;
	int rc = wf_topic_check_name(name, &size);
	if (rc != 0) return rc;
	const wf_run *run = wf_worker_here()->run;
	uint64_t hash = hash_of(run, name, size);
	part *p = part_of(hash);
	wf_topic *topic = find(p, run, hash, name);
	if (topic == NULL) {
		topic = make(run, hash, name, size);
		if (topic != NULL) topic = put(p, topic);
	}
	if (topic == NULL) return WEFT_ENOMEM;
	*out = topic;
	return 0;
}

int wf_topic_find(const char *name, wf_topic **out)
{
	size_t size;
	int rc = wf_topic_check_name(name, &size);
	if (rc != 0) return rc;
	const wf_run *run = wf_worker_here()->run;
	uint64_t hash = hash_of(run, name, size);
	*out = find(part_of(hash), run, hash, name);
	return 0;
}

void wf_topic_take_more(wf_topic *topic, unsigned n)
{
	part *p = part_of(topic->hash);
	wf_spin_lock(&p->lock);
	topic->refs += n;
	wf_spin_unlock(&p->lock);
}

void wf_topic_give(wf_topic *topic)
{
	part *p = part_of(topic->hash);
	wf_spin_lock(&p->lock);
	bool last = --topic->refs == 0;
	if (last) take_out(p, topic);
	wf_spin_unlock(&p->lock);
	if (last) wf_free(topic);
}

unsigned wf_topic_count(void)
{
	unsigned count = 0;
	for (int i = 0; i < WF_TOPIC_PARTS; i++) {
		wf_spin_lock(&parts[i].lock);
		count += parts[i].count;
		wf_spin_unlock(&parts[i].lock);
	}
	return count;
}
