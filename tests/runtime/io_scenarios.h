/* What happens below the seam, played in C because its headers are not C++. Each scenario runs in a
 * task and returns 0, or the line that went wrong. */
#ifndef WF_TESTS_IO_SCENARIOS_H
#define WF_TESTS_IO_SCENARIOS_H

#include <weft/api.h>

WEFT_BEGIN

int io_ready_is_told_once(void *);
int io_ready_can_be_taken_back(void *);
int io_take_and_put_happen_now_or_never(void *);
int io_gone_is_told_on_an_end(void *);
int io_gone_is_told_though_data_is_unread(void *);
int io_gone_is_told_on_a_reset(void *);
int io_reset_leaves_unread_data(void *);
int io_close_completes_what_is_pending(void *);
int io_cancel_completes_exactly_once(void *);
int io_stays_armed_between_requests(void *);
int io_event_nobody_wants_comes_once(void *);
int io_release_gives_the_descriptor_back(void *);
int io_linger_waits_for_the_peer(void *);
int io_linger_is_over_when_the_run_is(void *);

WEFT_END
#endif
