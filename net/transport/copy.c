/* Moving bytes from one stream to another. */
#include "context/alloc.h"
#include "net/transport/stream.h"

enum { COPY_BUFFER = 65536 };

int weft_stream_copy_to(weft_stream *from, weft_stream *to, uint64_t *moved)
{
	uint64_t total = 0;
	int rc = WEFT_ENOMEM;
	char *buffer = wf_alloc(COPY_BUFFER);
	if (buffer == NULL) goto out;
	size_t got, done;
	while ((rc = weft_stream_read(from, buffer, COPY_BUFFER, &got)) > 0) {
		struct iovec one = { buffer, got };
		rc = weft_stream_writev(to, &one, 1, &done);
		total += done;
		if (rc < 0) break;
	}
	wf_free(buffer);
out:
	if (moved != NULL) *moved = total;
	return rc;
}

int weft_stream_copy(weft_stream *from, weft_stream *to)
{
	return weft_stream_copy_to(from, to, NULL);
}

int weft_stream_forward(weft_stream *from, weft_stream *to)
{
	int rc = weft_stream_copy_to(from, to, NULL);
	return rc ? rc : weft_stream_finish(to);
}
