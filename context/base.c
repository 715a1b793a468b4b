#include "context/base.h"

#include <stdio.h>
#include <stdlib.h>

void wf_assert_failed(const char *what, const char *file, int line, const char *function)
{
	fprintf(stderr, "weft: %s:%d: %s: broken promise: %s\n", file, line, function, what);
	abort();
}
