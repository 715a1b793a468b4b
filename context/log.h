/* Between the makers of records and their readers. */
#ifndef WF_CONTEXT_LOG_H
#define WF_CONTEXT_LOG_H

#include "context/base.h"
#include <weft/log.h>

WEFT_BEGIN

/* A record with the memory its fields need. */
typedef struct wf_log_record {
	weft_log_record record;
	weft_log_field fields[WEFT_LOG_FIELDS_MAX + 1];
} wf_log_record;

/* Fills it in place, for here and now: time, ids, and the fields without secrets. */
void wf_log_record_fill(wf_log_record *made, enum weft_log_level level, const char *site,
	const char *message, const weft_log_field *fields);

/* Hands it to the log's sink. */
void wf_log_emit(const weft_log_record *record);

WEFT_END
#endif
