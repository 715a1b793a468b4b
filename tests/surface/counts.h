/* What is alive on this worker, counted from inside; its headers are not C++. */
#ifndef WF_TESTS_SURFACE_COUNTS_H
#define WF_TESTS_SURFACE_COUNTS_H
#include <weft/api.h>

WEFT_BEGIN

typedef struct surface_counts {
	unsigned tasks;       /* of the run, those included that have not begun */
	unsigned posts;       /* waiting to become tasks */
	unsigned timers;      /* armed on this worker */
	unsigned descriptors; /* that this worker looks after */
	unsigned handles;     /* of libuv, active in this worker's loop, that are no descriptors */
} surface_counts;

/* Thread: a task or a callback on the only worker of its run. */
surface_counts surface_count(void);

WEFT_END
#endif
