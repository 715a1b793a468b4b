/* The back end for tests: everything that may happen late, happens late. */
#ifndef WF_RUNTIME_IO_LATE_H
#define WF_RUNTIME_IO_LATE_H

#include <stdint.h>

/* Where the random sequence of the next run starts. Thread: one, while no run is alive. */
void wf_io_late_seed(uint64_t value);

#endif
