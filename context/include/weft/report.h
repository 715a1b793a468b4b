/* What the operator of a service should hear from the library: a loop that stalls, a task that
 * refuses to end, a failure that nobody read. The library prints nothing; it reports. */
#ifndef WEFT_REPORT_H
#define WEFT_REPORT_H
#include <weft/api.h>
#include <weft/log.h>
WEFT_BEGIN

/* Every report goes to `hook`, whatever the threshold of the log; NULL: to the log, as a warning.
 * What holds for weft_log_sink_set holds here. Thread: any. */
WEFT_API void weft_report_set(const weft_log_sink *hook);

/* Reports like the library does. `topic` is one word that stays the same from release to release,
 * `message` a constant sentence, then fields as for weft_log. errno is left alone. Thread: any. */
#define weft_report(...) WEFT_REPORT_(__VA_ARGS__, )
#define WEFT_REPORT_(topic, message, ...)                                                          \
	weft_report_write(topic, WEFT_SITE, message, WEFT_LIST(weft_log_field, __VA_ARGS__))
WEFT_API void weft_report_write(
	const char *topic, const char *site, const char *message, const weft_log_field *fields);

WEFT_END
#endif
