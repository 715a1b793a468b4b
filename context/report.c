#include "context/log.h"

#include <errno.h>
#include <weft/report.h>

static void report_to_log(const weft_log_record *record, void *arg)
{
	(void)arg;
	if (weft_log_enabled(record->level)) wf_log_emit(record);
}

static const weft_log_sink default_hook = { report_to_log, NULL };
static const weft_log_sink *current_hook = &default_hook;

/* Release and acquire carry along what the hook points to. */
void weft_report_set(const weft_log_sink *hook)
{
	__atomic_store_n(&current_hook, hook ? hook : &default_hook, __ATOMIC_RELEASE);
}

void weft_report_write(
	const char *topic, const char *site, const char *message, const weft_log_field *fields)
{
	int saved = errno;
	const weft_log_sink *hook = __atomic_load_n(&current_hook, __ATOMIC_ACQUIRE);
	wf_log_record made;
	wf_log_record_fill(&made, WEFT_LOG_WARNING, site, message, fields);
	made.record.topic = topic;
	hook->fn(&made.record, hook->arg);
	errno = saved;
}
