/* The one lifecycle: a run owns its workers, its pools and every task, and is over when nothing of
 * them is left. */
#ifndef WEFT_RUN_H
#define WEFT_RUN_H
#include <weft/error.h>
WEFT_BEGIN

/* What a task does. 0 or more: done; negative: failed. */
typedef int weft_task_fn(void *arg);

/* What to do about a task or a borrowed job that is still alive when the last bound has passed. It
 * is named in each case, to the report hook. */
typedef enum weft_on_stuck {
	WEFT_STUCK_DEFAULT, /* wait; in weft_main and what stands on it: exit */
	WEFT_STUCK_WAIT,    /* wait on, name it again every second; one more signal ends the process */
	WEFT_STUCK_EXIT,    /* end the process with status 70 */
	WEFT_STUCK_RETURN,  /* weft_run returns ESTUCK; what the stuck one uses is never freed */
} weft_on_stuck;

typedef struct weft_run_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int workers WEFT_DEFAULT;      /* 0: one per processor this process may use */
	int drain_ms WEFT_DEFAULT;     /* from the first signal to the cancel; 0: 5000; -1: no limit */
	int cancel_ms WEFT_DEFAULT;    /* from the cancel until what is stuck is named; 0: 5000 */
	size_t stack WEFT_DEFAULT;     /* bytes a task has unless its spawn says; 0: 64 KiB */
	int tasks WEFT_DEFAULT;        /* live ones per worker, beyond which spawns fail; 0: 100 000 */
	int pool_threads WEFT_DEFAULT; /* of the run's own pool; 0: 16 */
	int pool_queue WEFT_DEFAULT;   /* jobs that may wait in it; 0: 1024 */
	/* For how many microseconds a worker that a message woke looks for the next one before it
	 * sleeps again: between two busy workers a message then takes less than one, and else dozens.
	 * It costs processor time and holds up timers and descriptors by as much; a worker that nothing
	 * comes to does not, one that looks in vain soon hardly does, and on a single processor none
	 * does. 0: 5; -1: never; at most 1000. */
	int spin_us WEFT_DEFAULT;
	bool keep_signals WEFT_DEFAULT; /* leave SIGINT and SIGTERM as they are */
	weft_on_stuck on_stuck WEFT_DEFAULT;
} weft_run_options;

/* Runs fn(arg) as the main task, on worker 1, which is the calling thread, and returns its result
 * when nothing is left: every task has ended, every job has ended or was named, every handle is
 * closed. When main returns, ordinary tasks are joined and service tasks cancelled; then what was
 * posted, and has not ended, is asked to drain as by the first signal. What does not end within
 * `drain_ms` and `cancel_ms` is stuck.
 *
 * The first SIGINT or SIGTERM asks every scope to drain (weft_draining), the second cancels, the
 * third ends the process; `drain_ms` after the first the cancel comes by itself. One run in the
 * process can own the signals. SIGPIPE is ignored from the first run on.
 *
 * Blocks the thread.
 * Errors: EBUSY inside a task or a worker's loop, or when another run owns the signals and this one
 * did not say keep_signals; EINVAL for options out of range (stack: 8 MiB at most); ENOMEM, EAGAIN,
 * EMFILE when a worker cannot start; ESTUCK; else what main returned. */
WEFT_API WEFT_MUST int weft_run_with(weft_task_fn *fn, void *arg, const weft_run_options *options);
#define weft_run(...)           WEFT_RUN_(__VA_ARGS__, )
#define WEFT_RUN_(fn, arg, ...) weft_run_with(fn, arg, WEFT_OPTIONS(weft_run_options, __VA_ARGS__))

/* The same for `return weft_main(...)`: an error is printed to stderr in one line; returns an exit
 * status: 0, or 1. What is stuck ends the process unless on_stuck says otherwise. */
WEFT_API int weft_main_with(weft_task_fn *fn, void *arg, const weft_run_options *options);
#define weft_main(...) WEFT_MAIN_(__VA_ARGS__, )
#define WEFT_MAIN_(fn, arg, ...)                                                                   \
	weft_main_with(fn, arg, WEFT_OPTIONS(weft_run_options, __VA_ARGS__))

/* Asks the run to drain, as the first signal does. Harmless when it was asked before. Returns at
 * once. Thread: worker. Errors: ENORUN. */
WEFT_API int weft_drain(void);

/* Has a signal, weft_drain, or a drain of a group around this task asked to finish up? False
 * outside a task. Thread: any. */
WEFT_API bool weft_draining(void);

/* Waits until weft_draining. Thread: task. Suspends. Errors: ECANCELED. */
WEFT_API WEFT_MUST int weft_drain_wait(void);

WEFT_END
#endif
