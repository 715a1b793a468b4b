/* Each call is a checkpoint, also when what it gives is in the buffer already.
 *
 * The buffer has one byte more than its size, so that what is handed out can end in NUL. That NUL
 * may fall on the first unread byte, which `over` keeps until the next call.
 *
 *   data ... [first ... unread ... last) ... size | 1 */
#include <weft/reader.h>

#include <string.h>

#include "context/alloc.h"
#include "runtime/worker.h"

struct weft_reader {
	weft_stream *stream;
	size_t size;
	size_t first, last;
	size_t searched; /* bytes from `first` that hold no delimiter, for the next search */
	char over;       /* the byte that the NUL at `first` stands on */
	bool covered;
	bool ended;
	char data[];
};

int weft_reader_open(weft_stream *s, size_t size, weft_reader **out)
{
	if (size == 0) return WEFT_EINVAL;
	if (size > SIZE_MAX - sizeof(weft_reader) - 1) return WEFT_ENOMEM;
	weft_reader *r = wf_alloc(sizeof *r + size + 1);
	if (r == NULL) return WEFT_ENOMEM;
	*r = (weft_reader){ .stream = s, .size = size };
	*out = r;
	return 0;
}

void weft_reader_close(weft_reader *r)
{
	wf_free(r);
}

static void uncover(weft_reader *r)
{
	if (r->covered) r->data[r->first] = r->over;
	r->covered = false;
}

/* Ends what lies before `first` at `end`. */
static void cover(weft_reader *r, size_t end)
{
	if (end == r->first) {
		r->over = r->data[end];
		r->covered = true;
	}
	r->data[end] = 0;
}

/* Reads once into the free part. 1, 0 end, negative. */
static int fill(weft_reader *r)
{
	if (r->ended) return 0;
	if (r->first > 0) {
		memmove(r->data, r->data + r->first, r->last - r->first);
		r->last -= r->first;
		r->first = 0;
	}
	if (r->last == r->size) return WEFT_EMSGSIZE;
	size_t got = 0;
	int rc = weft_stream_read(r->stream, r->data + r->last, r->size - r->last, &got);
	if (rc > 0) r->last += got;
	if (rc == 0) r->ended = true;
	return rc;
}

static char *find(const weft_reader *r, const char *delimiter, size_t length)
{
	char *from = (char *)r->data + r->first + r->searched;
	size_t size = r->last - r->first - r->searched;
	if (length == 1) return memchr(from, *delimiter, size);
	return memmem(from, size, delimiter, length);
}

/* Hands out `size` bytes and drops `more` behind them. */
static char *hand_out(weft_reader *r, size_t size, size_t more)
{
	size_t begin = r->first;
	r->first += size + more;
	r->searched = 0;
	cover(r, begin + size);
	return r->data + begin;
}

/* 1: `*size` bytes, then the delimiter. 0: the end came first. */
static int seek(weft_reader *r, const char *delimiter, size_t length, size_t *size)
{
	for (;;) {
		char *at = find(r, delimiter, length);
		if (at != NULL) {
			*size = (size_t)(at - (r->data + r->first));
			return 1;
		}
		size_t have = r->last - r->first;
		r->searched = have < length ? 0 : have - length + 1;
		int rc = fill(r);
		if (rc <= 0) {
			if (rc < 0) r->searched = 0;
			return rc;
		}
	}
}

int weft_reader_next_until(weft_reader *r, const char *delimiter, char **data, size_t *size)
{
	size_t length = strlen(delimiter);
	size_t found = 0;
	if (length == 0) return WEFT_EINVAL;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	uncover(r);
	rc = seek(r, delimiter, length, &found);
	if (rc == 0 && r->last > r->first) rc = WEFT_EOF;
	if (rc <= 0) return rc;
	*size = found;
	*data = hand_out(r, found, length);
	return 1;
}

int weft_reader_next_line(weft_reader *r, char **line)
{
	size_t size = 0;
	size_t more = 1;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	uncover(r);
	rc = seek(r, "\n", 1, &size);
	if (rc < 0) return rc;
	if (rc == 0) {
		size = r->last - r->first;
		more = 0;
		if (size == 0) return 0;
	}
	if (more && size > 0 && r->data[r->first + size - 1] == '\r') {
		size--;
		more++;
	}
	*line = hand_out(r, size, more);
	return 1;
}

static size_t take(weft_reader *r, void *buffer, size_t size)
{
	size_t have = r->last - r->first;
	size_t n = size < have ? size : have;
	uncover(r);
	if (n > 0) memcpy(buffer, r->data + r->first, n);
	r->first += n;
	r->searched = 0;
	return n;
}

int weft_reader_read(weft_reader *r, void *buffer, size_t size, size_t *got)
{
	if (size == 0) return WEFT_EINVAL;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (r->last == r->first) {
		if (r->ended) {
			*got = 0;
			return 0;
		}
		r->covered = false;
		rc = weft_stream_read(r->stream, buffer, size, got);
		if (rc == 0) r->ended = true;
		return rc;
	}
	*got = take(r, buffer, size);
	return 1;
}

int weft_reader_read_exact(weft_reader *r, void *buffer, size_t size, size_t *done)
{
	size_t have = 0;
	size_t more = 0;
	int rc = wf_checkpoint();
	if (rc == 0) have = take(r, buffer, size);
	if (rc == 0 && have < size)
		rc = r->ended
				 ? WEFT_EOF
				 : weft_stream_read_exact(r->stream, (char *)buffer + have, size - have, &more);
	if (done != NULL) *done = have + more;
	return rc;
}

void weft_reader_left(const weft_reader *r, const void **data, size_t *size)
{
	/* The NUL is only a courtesy to the last caller; the byte below it is what counts. */
	uncover((weft_reader *)r);
	*data = r->data + r->first;
	*size = r->last - r->first;
}
