/* What the server's tests reach behind its public surface, in C because those headers are not C++.
 */
#ifndef WF_TESTS_HTTP_INSIDE_H
#define WF_TESTS_HTTP_INSIDE_H

#include <weft/request.h>

WEFT_BEGIN

/* A handler that becomes an echo of bytes until the client ends, as the rest of itself. */
int inside_echo(weft_request *rq);
/* One that gives the connection to an owner who holds no task: it echoes on the loop, says "bye"
 * when the server drains, and "late" when it is silent for 20 ms. */
int give_echo(weft_request *rq);

typedef struct census_line {
	char text[160];
} census_line;
/* Of the server that handles `rq`: a line for each connection, and for the last requests. Returns
 * how many. */
size_t census_lines(weft_request *rq, census_line *lines, size_t room);

WEFT_END
#endif
