/* One-way proxy, socat -u TCP-LISTEN TCP: takes one connection and hands on what it sends.
 *
 *   proxy FROM TO        proxy [::]:7000 localhost:7001
 *
 * The next read waits until the last write was taken, so a slow receiver slows the sender down and
 * nothing piles up here; the sender's end travels on, and the program ends when every byte has
 * arrived. None of it is in this file: it is inside the calls. */
#include <stdio.h>
#include <weft/listener.h>
#include <weft/run.h>
#include <weft/tcp.h>

struct path {
	const char *from, *to;
};

static int proxy(void *arg)
{
	const struct path *path = arg;
	weft_listener *l = NULL;
	weft_stream *in = NULL, *out = NULL;

	int rc = weft_listener_open(path->from, &l);
	if (rc == 0) rc = weft_listener_accept(l, &in);
	weft_listener_close(l);
	if (rc == 0) rc = weft_tcp_connect(path->to, &out);
	if (rc == 0) rc = weft_stream_forward(in, out);
	weft_stream_close(out);
	weft_stream_close(in);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s FROM TO\n", argv[0]);
		return 1;
	}
	struct path path = { argv[1], argv[2] };
	return weft_main(proxy, &path, .workers = 1);
}
