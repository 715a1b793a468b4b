/* The table of refusals, indexed by code. */
#include "net/http/http_error.h"

typedef struct error_row {
	int status;
	const char *name, *text;
} error_row;

static const error_row error_rows[] = {
#define ERROR_ROW(name, status, text) { status, #name, text },
	WF_HTTP_ERRORS(ERROR_ROW)
#undef ERROR_ROW
};

static const error_row *find_row(int rc)
{
	if (rc <= WF_HTTP_ERROR_BASE || rc >= WF_HTTP_ERROR_END) return NULL;
	return &error_rows[rc - WF_HTTP_ERROR_BASE - 1];
}

int wf_http_error_status(int rc)
{
	const error_row *row = find_row(rc);
	return row != NULL ? row->status : 0;
}

const char *wf_http_error_name(int rc)
{
	const error_row *row = find_row(rc);
	return row != NULL ? row->name : NULL;
}

const char *wf_http_error_text(int rc)
{
	const error_row *row = find_row(rc);
	return row != NULL ? row->text : NULL;
}
