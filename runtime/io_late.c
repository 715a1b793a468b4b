/* The back end for tests: everything that may happen late, happens late.
 *
 * No operation completes within submit; each transfer is cut to a random part; a cancel is carried
 * out some turns later, so that a success often beats it; the system call works on a copy, and the
 * lent memory is looked at only when the completion is told: if the owner touched it meanwhile
 * (gave it back to its stack, say), the canary in it is gone and the process ends.
 *
 * It stands on the poll back end, which does the waiting:
 *
 *   phase      in the queue          next
 *   START      yes                   after some turns: the inner operation is submitted
 *   RUNNING    if asked to cancel    the inner completion, or after some turns the inner cancel
 *   DELIVER    yes                   after some turns: the owner's `done` */
#include <errno.h>
#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "runtime/io.h"
#include "runtime/io_late.h"
#include "runtime/io_linger.h"

enum { CANARY_MAX = 4096, CANARY = 0xA5, TURNS_MAX = 3 };

typedef enum late_phase { START, RUNNING, DELIVER } late_phase;

typedef struct late_op {
	wf_op inner;
	wf_op *outer;
	wf_list live, queued;
	late_phase phase;
	unsigned turns;
	bool cancel_asked;
	struct iovec vector;
	uint64_t checksum; /* of what was lent for sending */
	struct sockaddr_storage peer;
	socklen_t peer_size;
	char copy[];
} late_op;

typedef struct late_state {
	wf_lingering lingering; /* first: what io_linger.c takes io_state for */
	wf_list live, queue;
	uv_timer_t *turn;
	uint64_t random;
} late_state;

static _Atomic(uint64_t) seed = 1;

void wf_io_late_seed(uint64_t value)
{
	seed = value;
}

static uint64_t next_random(late_state *state)
{
	uint64_t z = state->random += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* Datagrams are not cut: that would be another one. */
static size_t random_part(late_state *state, const wf_io *io, size_t size)
{
	if (io->kind == WF_IO_DATAGRAM) return size;
	uint64_t kind = next_random(state) % 4;
	size_t most = kind == 0 ? 1 : kind == 1 ? 16 : size;
	if (most > size) most = size;
	return 1 + (size_t)(next_random(state) % most);
}

/* Of the first bytes only: a large write is cut into many parts, and each would cost all of it. */
static uint64_t checksum_of(const struct iovec *vector, int count)
{
	uint64_t sum = 0xCBF29CE484222325u;
	size_t left = CANARY_MAX;
	for (int i = 0; i < count && left > 0; i++) {
		const unsigned char *bytes = vector[i].iov_base;
		for (size_t k = 0; k < vector[i].iov_len && left > 0; k++, left--)
			sum = (sum ^ bytes[k]) * 0x100000001B3u;
	}
	return sum;
}

static size_t size_of(const struct iovec *vector, int count)
{
	size_t size = 0;
	for (int i = 0; i < count; i++) size += vector[i].iov_len;
	return size;
}

static void gather(char *to, size_t size, const struct iovec *vector)
{
	while (size > 0) {
		size_t part = vector->iov_len < size ? vector->iov_len : size;
		if (part > 0) memcpy(to, vector->iov_base, part);
		to += part;
		size -= part;
		vector++;
	}
}

static size_t canary_size(const wf_op *op)
{
	return op->recv.size < CANARY_MAX ? op->recv.size : CANARY_MAX;
}

static void check_lent(const late_op *late)
{
	const wf_op *op = late->outer;
	if (op->kind == WF_OP_SEND) {
		wf_assert(checksum_of(op->send.vector, op->send.count) == late->checksum);
	} else if (op->kind == WF_OP_RECV) {
		const unsigned char *bytes = op->recv.data;
		for (size_t i = 0; i < canary_size(op); i++) wf_assert(bytes[i] == CANARY);
	}
}

static late_op *late_new(late_state *state, wf_op *outer)
{
	size_t size = 0;
	if (outer->kind == WF_OP_RECV) size = random_part(state, outer->io, outer->recv.size);
	if (outer->kind == WF_OP_SEND)
		size = random_part(state, outer->io, size_of(outer->send.vector, outer->send.count));
	late_op *late = wf_alloc(sizeof *late + size);
	if (late == NULL) return NULL;
	*late = (late_op){ .inner = *outer, .outer = outer, .peer_size = sizeof late->peer };
	late->vector = (struct iovec){ late->copy, size };
	if (outer->kind == WF_OP_RECV) {
		late->inner.recv.data = late->copy;
		late->inner.recv.size = size;
		if (outer->recv.from != NULL) {
			late->inner.recv.from = &late->peer;
			late->inner.recv.from_size = &late->peer_size;
		}
		memset(outer->recv.data, CANARY, canary_size(outer));
	} else if (outer->kind == WF_OP_SEND) {
		gather(late->copy, size, outer->send.vector);
		late->checksum = checksum_of(outer->send.vector, outer->send.count);
		late->inner.send.vector = &late->vector;
		late->inner.send.count = 1;
	} else if (outer->kind == WF_OP_ACCEPT) {
		late->inner.accept.peer = &late->peer;
		late->inner.accept.peer_size = &late->peer_size;
	}
	return late;
}

static void on_turn(uv_timer_t *timer);

static void enqueue(late_state *state, late_op *late, late_phase phase)
{
	late->phase = phase;
	late->turns = 1 + (unsigned)(next_random(state) % TURNS_MAX);
	wf_list_remove(&late->queued);
	wf_list_push_back(&state->queue, &late->queued);
	uv_timer_start(state->turn, on_turn, 0, 0);
}

static void on_inner_done(wf_op *inner)
{
	late_op *late = wf_container_of(inner, late_op, inner);
	enqueue(inner->io->worker->io_state, late, DELIVER);
}

static bool has_live(const late_state *state, const wf_io *io)
{
	for (const wf_list *node = state->live.next; node != &state->live; node = node->next) {
		if (wf_list_entry(node, late_op, live)->inner.io == io) return true;
	}
	return false;
}

static void hand_out(const late_op *late)
{
	const wf_op *inner = &late->inner;
	wf_op *outer = late->outer;
	check_lent(late);
	if (inner->result > 0 && inner->kind == WF_OP_RECV) {
		/* Of a datagram that was too long the kernel tells the whole length. */
		size_t size = (size_t)inner->result;
		memcpy(outer->recv.data, late->copy,
			size < late->vector.iov_len ? size : late->vector.iov_len);
	}
	if (inner->result >= 0 && inner->kind == WF_OP_RECV && outer->recv.from != NULL) {
		*outer->recv.from = late->peer;
		*outer->recv.from_size = late->peer_size;
	}
	if (inner->result >= 0 && inner->kind == WF_OP_ACCEPT && outer->accept.peer != NULL) {
		*outer->accept.peer = late->peer;
		*outer->accept.peer_size = late->peer_size;
	}
	outer->result = inner->result;
	if (inner->io->closing && outer->result == WEFT_ECANCELED) outer->result = WEFT_ECLOSED;
}

static void deliver(late_state *state, late_op *late)
{
	wf_op *outer = late->outer;
	wf_io *io = late->inner.io;
	hand_out(late);
	wf_list_remove(&late->live);
	wf_free(late);
	outer->state = NULL;
	outer->done(outer);
	/* A close waits for the last operation. */
	if (io->poll.data != NULL && !has_live(state, io)) wf_io_poll.close(io);
}

static void advance(late_state *state, late_op *late)
{
	wf_list_remove(&late->queued);
	if (late->phase == DELIVER) {
		deliver(state, late);
	} else if (late->phase == RUNNING) {
		wf_io_poll.cancel(&late->inner);
	} else if (late->cancel_asked && late->inner.kind != WF_OP_ACCEPT && next_random(state) % 2) {
		/* Never tried. An accept always is: a queue is drained until it is empty. */
		late->inner.result = WEFT_ECANCELED;
		enqueue(state, late, DELIVER);
	} else {
		late->phase = RUNNING;
		if (wf_io_poll.submit(&late->inner))
			enqueue(state, late, DELIVER);
		else if (late->cancel_asked)
			enqueue(state, late, RUNNING);
	}
}

static void on_turn(uv_timer_t *timer)
{
	late_state *state = timer->data;
	wf_list due;
	wf_list_init(&due);
	wf_list_append(&due, &state->queue);
	while (!wf_list_empty(&due)) {
		late_op *late = wf_list_first(&due, late_op, queued);
		wf_list_remove(&late->queued);
		if (--late->turns == 0)
			advance(state, late);
		else
			wf_list_push_back(&state->queue, &late->queued);
	}
	if (!wf_list_empty(&state->queue)) uv_timer_start(timer, on_turn, 0, 0);
}

static bool late_submit(wf_op *op)
{
	late_state *state = op->io->worker->io_state;
	late_op *late = late_new(state, op);
	if (late == NULL) {
		op->result = -ENOMEM;
		return true;
	}
	op->state = late;
	late->inner.done = on_inner_done;
	wf_list_init(&late->queued);
	wf_list_push_back(&state->live, &late->live);
	enqueue(state, late, START);
	return false;
}

/* A part of it, and now and then nothing although there is something: who asked is told again. */
static ssize_t late_take(wf_io *io, void *data, size_t size)
{
	late_state *state = io->worker->io_state;
	if (next_random(state) % 4 == 0) return -EAGAIN;
	return wf_io_poll.take(io, data, random_part(state, io, size));
}

/* Nothing is late about it: who puts has no way to wait for the rest. */
static ssize_t late_put(wf_io *io, const void *data, size_t size)
{
	return wf_io_poll.put(io, data, size);
}

static void late_cancel(wf_op *op)
{
	late_op *late = op->state;
	if (late == NULL || late->cancel_asked) return;
	late->cancel_asked = true;
	if (late->phase == RUNNING) enqueue(op->io->worker->io_state, late, RUNNING);
}

static void late_interrupt(wf_io *io)
{
	late_state *state = io->worker->io_state;
	wf_list_for_each(node, &state->live)
	{
		late_op *late = wf_list_entry(node, late_op, live);
		if (late->inner.io == io) late_cancel(late->outer);
	}
}

static int late_ready(wf_io *io)
{
	return wf_io_poll.ready(io);
}

static int late_watch_gone(wf_io *io)
{
	return wf_io_poll.watch_gone(io);
}

static void late_linger(wf_io *io)
{
	wf_lingering_add(io->worker->io_state, io);
}

static void late_close(wf_io *io)
{
	late_state *state = io->worker->io_state;
	if (!has_live(state, io)) {
		wf_io_poll.close(io);
		return;
	}
	io->poll.data = io;
	late_interrupt(io);
}

static int late_init(wf_worker *worker)
{
	late_state *state = wf_alloc(sizeof *state);
	uv_timer_t *turn = wf_alloc(sizeof *turn);
	if (state == NULL || turn == NULL) {
		wf_free(state);
		wf_free(turn);
		return -ENOMEM;
	}
	wf_lingering_init(&state->lingering, worker);
	wf_list_init(&state->live);
	wf_list_init(&state->queue);
	state->random = seed + (uint64_t)worker->id;
	state->turn = turn;
	uv_timer_init(&worker->loop, turn);
	turn->data = state;
	worker->io_state = state;
	return 0;
}

static void forget_timer(uv_handle_t *handle)
{
	wf_free(handle);
}

static void late_fini(wf_worker *worker)
{
	late_state *state = worker->io_state;
	wf_assert(wf_list_empty(&state->live));
	wf_lingering_fini(&state->lingering);
	wf_list_for_each(node, &worker->open_io) wf_io_poll.close(wf_list_entry(node, wf_io, open));
	uv_close((uv_handle_t *)state->turn, forget_timer);
	wf_free(state);
}

const wf_io_backend wf_io_late = {
	.name = "late",
	.init = late_init,
	.fini = late_fini,
	.submit = late_submit,
	.take = late_take,
	.put = late_put,
	.cancel = late_cancel,
	.interrupt = late_interrupt,
	.ready = late_ready,
	.watch_gone = late_watch_gone,
	.linger = late_linger,
	.close = late_close,
};
