/* Concurrency Kit is inline assembly, which ThreadSanitizer cannot see. The files that call it are
 * compiled without TSan and tell it themselves what comes before what: everything before
 * WF_HANDS_OVER(p) happens before everything after WF_TAKES_OVER(p) of the same address. */
#ifndef WF_EXECUTOR_SANITIZER_H
#define WF_EXECUTOR_SANITIZER_H

#ifdef WF_TSAN
#include <sanitizer/tsan_interface.h>
#define WF_HANDS_OVER(address) __tsan_release((void *)(address))
#define WF_TAKES_OVER(address) __tsan_acquire((void *)(address))
#else
#define WF_HANDS_OVER(address) ((void)(address))
#define WF_TAKES_OVER(address) ((void)(address))
#endif

#endif
