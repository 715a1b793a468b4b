/* Bytes both ways: TCP, Unix, pipe, TLS, child stdio, memory. No hidden buffers. */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H
#include <weft/error.h>
WEFT_BEGIN
typedef struct weft_stream weft_stream;
/* What is there, at most `size`. 1 got some, 0 the peer finished, negative error. Suspends. */
WEFT_API WEFT_MUST int weft_stream_read(weft_stream *s, void *buffer, size_t size, size_t *got);
/* All of it; EOF if the peer finished before. Suspends. */
WEFT_API WEFT_MUST int weft_stream_read_exact(
	weft_stream *s, void *buffer, size_t size, size_t *done);
WEFT_API WEFT_MUST int weft_stream_write(weft_stream *s, const void *data, size_t size);
WEFT_API WEFT_MUST int weft_stream_print(weft_stream *s, const char *format, ...) WEFT_PRINTF(2, 3);
/* Moves bytes until `from` ends. Suspends. */
WEFT_API WEFT_MUST int weft_stream_copy(weft_stream *from, weft_stream *to);
/* Copy, then finish: the end travels too, and all was delivered. Suspends. */
WEFT_API WEFT_MUST int weft_stream_forward(weft_stream *from, weft_stream *to);
/* Says "no more from me" and waits until all of it was delivered; the peer can still send.
 * Suspends. */
WEFT_API WEFT_MUST int weft_stream_finish(weft_stream *s);
/* Frees. NULL is fine. What was written is still delivered. */
WEFT_API void weft_stream_close(weft_stream *s);
WEFT_API int weft_stream_pair(weft_stream **a, weft_stream **b);
WEFT_API void *weft_stream_app(const weft_stream *s);
WEFT_API const char *weft_stream_peer(const weft_stream *s);
WEFT_END
#endif
