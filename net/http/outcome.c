#include "net/http/outcome.h"

#include <weft/error.h>

#include "net/http/http_error.h"

/* clang-format off */
static const struct row {
	int rc, status;
	const char *detail;
	bool ours;
} rows[] = {
	{ WEFT_EBADREQUEST, 400, "a parameter is missing or malformed", false },
	{ WEFT_EBADJSON,    400, "the body is not the JSON that is expected here", false },
	{ WEFT_ENOCONTEXT,  403, NULL, false },
	{ WEFT_EFULL,       503, "the server is busy", false },
	{ WEFT_ESHUTDOWN,   503, "the server is shutting down", false },
	{ WEFT_EDEADLINE,   504, "it took too long", false },
	{ 0,                500, NULL, true }, /* no reply, and no reason given */
};
/* clang-format on */

static wf_outcome of_cancel(weft_reason reason)
{
	switch (reason) {
	case WEFT_REASON_PEER:
		return (wf_outcome){ 0, NULL, false };
	case WEFT_REASON_DEADLINE:
		return (wf_outcome){ 504, "it took too long", false };
	case WEFT_REASON_SHUTDOWN:
		return (wf_outcome){ 503, "the server is shutting down", false };
	case WEFT_REASON_EXPLICIT:
		return (wf_outcome){ 503, "the server gave it up", false };
	case WEFT_REASON_NONE:
	case WEFT_REASON_SIBLING:
		break;
	}
	return (wf_outcome){ 500, NULL, true };
}

wf_outcome wf_outcome_of(int rc, weft_reason reason)
{
	/* Whatever it returned: nobody is there to hear it. */
	if (reason == WEFT_REASON_PEER) return of_cancel(reason);
	if (rc >= 400 && rc <= 599) return (wf_outcome){ rc, NULL, false };
	if (rc == WEFT_ECANCELED) return of_cancel(reason);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].rc == rc) return (wf_outcome){ rows[i].status, rows[i].detail, rows[i].ours };
	}
	int status = wf_http_error_status(rc);
	if (status != 0) return (wf_outcome){ status, wf_http_error_text(rc), false };
	return (wf_outcome){ 500, NULL, true };
}
