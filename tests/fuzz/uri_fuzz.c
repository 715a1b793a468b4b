/* A stranger's bytes as a path, a query, a date and a host. What was brought to one spelling stays
 * as it is and does not climb; what was decoded is no longer than it was. */
#include "net/http/http_date.h"
#include "net/http/http_parse.h"
#include "net/http/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth) abort();
}

static void check_segments(const char *path, size_t size)
{
	const char *at = path, *segment;
	size_t segment_size;
	while (wf_uri_segment_next(&at, path + size, &segment, &segment_size)) {
		require(!(segment_size == 1 && segment[0] == '.'));
		require(!(segment_size == 2 && memcmp(segment, "..", 2) == 0));
	}
	require(at == path + size);
}

static void check_path(const char *text, size_t size, char *scratch)
{
	size_t normal = size;
	memcpy(scratch, text, size);
	if (wf_uri_path_normalise(scratch, &normal) != 0) {
		require(normal == size);
		return;
	}
	require(normal >= 1 && normal <= size && scratch[0] == '/');
	check_segments(scratch, normal);
	char *again = malloc(normal);
	size_t again_size = normal;
	if (again == NULL) abort();
	memcpy(again, scratch, normal);
	require(wf_uri_path_normalise(again, &again_size) == 0);
	require(again_size == normal && memcmp(again, scratch, normal) == 0);
	bool holds_nul = memchr(again, '\0', again_size) != NULL;
	require((wf_uri_decode(again, again_size, false, again, &again_size) != 0) == holds_nul);
	require(holds_nul || (again_size <= normal && memchr(again, '\0', again_size) == NULL));
	free(again);
}

static void check_query(const char *text, size_t size, char *scratch)
{
	const char *at = text;
	wf_uri_pair pair;
	while (wf_uri_query_next(&at, text + size, &pair)) {
		size_t decoded;
		require(pair.name >= text && pair.value + pair.value_size <= text + size);
		if (wf_uri_decode(pair.name, pair.name_size, true, scratch, &decoded) == 0) {
			wf_uri_pair found;
			scratch[decoded] = '\0';
			require(wf_uri_query_find(text, size, scratch, &found) && found.name <= pair.name);
		}
	}
}

static void check_date(const char *text, size_t size)
{
	char formatted[WF_HTTP_DATE_BYTES];
	int64_t unix_s, again;
	if (wf_http_date_parse(text, size, 0, &unix_s) != 0) return;
	/* A leap second at the very end of year 9999 has no date. */
	if (wf_http_date_format(unix_s, formatted) != 0) return;
	require(wf_http_date_parse(formatted, sizeof formatted, 0, &again) == 0 && again == unix_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *scratch = malloc(size + 1);
	if (scratch == NULL) abort();
	check_path(text, size, scratch);
	check_query(text, size, scratch);
	check_date(text, size);
	if (wf_http_host_valid(text, size)) require(memchr(text, '/', size) == NULL);
	free(scratch);
	return 0;
}
