/* What a connection's requests write, on its way to the kernel.
 *
 * Short answers are gathered in a buffer and leave in one system call: when it is full, when the
 * task is about to suspend (then without waiting), and at the end of the batch of requests that was
 * read together. Long ones go straight from the caller's memory, behind what was gathered.
 *
 *   gathered   [begin, end) of the buffer
 *   sending    an operation has [begin, …) of it; `end` may grow meanwhile
 *   through    a call of the task has it, and long data behind it
 *   failed     `error` is what happened first; nothing goes out any more
 *
 * The buffer is the site's; it is held while there is something in it.
 *
 * A connection that is no plain socket cannot send without a task: there each flush waits.
 *
 * Thread: the connection's worker; the task of its request, but for what completes on the loop. */
#ifndef WF_HTTP_OUTPUT_H
#define WF_HTTP_OUTPUT_H

#include "runtime/io.h"
#include "runtime/wait.h"

enum { WF_OUTPUT_SIZE = 16384 };

typedef struct wf_connection wf_connection;

typedef struct wf_output {
	wf_connection *connection;
	char *buffer;
	uint32_t begin, end;
	bool sending; /* by the operation */
	bool through; /* by the task itself, together with long data */
	int error;
	wf_op op;
	struct iovec vector;
	weft_task *waiter; /* for the operation */
	wf_ticket ticket;
} wf_output;

void wf_output_init(wf_output *output, wf_connection *connection);

int wf_output_reserve_slowly(wf_output *output, size_t size, char **out);
/* Room for `size` <= WF_OUTPUT_SIZE bytes in a row, to be committed; sends first what is in the
 * way. Suspends. Errors: ENOMEM, what sending says. */
static inline int wf_output_reserve(wf_output *output, size_t size, char **out)
{
	if (wf_unlikely(
			output->buffer == NULL || output->error != 0 || size > WF_OUTPUT_SIZE - output->end))
		return wf_output_reserve_slowly(output, size, out);
	*out = output->buffer + output->end;
	return 0;
}

static inline void wf_output_commit(wf_output *output, size_t size)
{
	output->end += (uint32_t)size;
}

/* Gathers `data`, or sends it together with what was gathered. It is free again at return.
 * Suspends. Errors: as reserve; ECANCELED. */
int wf_output_write(wf_output *output, const void *data, size_t size);

/* Begins to send what was gathered, without waiting. Nothing for a connection without `io`. */
void wf_output_start(wf_output *output);
/* Without a task: true if the kernel took at once all that was gathered. */
bool wf_output_put(wf_output *output);
/* Sends all that was gathered. Suspends. Errors: as write. */
int wf_output_flush(wf_output *output);
/* No operation is out when it returns; what was not sent by then is thrown away. Cancels do not
 * shorten it: interrupt the connection for that. Suspends. */
void wf_output_settle(wf_output *output);

static inline bool wf_output_is_empty(const wf_output *output)
{
	return output->begin == output->end;
}

#endif
