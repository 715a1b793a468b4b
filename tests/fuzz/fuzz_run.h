/* One run for all inputs, on a thread of its own: to start one takes longer than most inputs. */
#ifndef WF_TESTS_FUZZ_RUN_H
#define WF_TESTS_FUZZ_RUN_H

#include <stdbool.h>
#include <weft/post.h>
#include <weft/run.h>

/* Ends the process unless it is so, which is how a fuzzer hears of it. */
void require(bool truth);

/* The run's handle. The first call starts it with `live` as its main and waits until that says
 * fuzz_run_is_ready; the run is drained when the process exits, and `live` is to return then. */
weft_handle *fuzz_run(weft_task_fn *live);
/* Thread: the task of `live`. */
void fuzz_run_is_ready(void);

#endif
