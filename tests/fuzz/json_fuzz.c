/* Whatever a stranger sends as JSON is read within its bounds or refused with a place and a reason;
 * and what was read can be written, and read again, and is then still the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/field.h"
#include "net/http/json.h"
#include "net/http/number.h"
#include "net/http/utf8_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text that grows. */
typedef struct text {
	char *at;
	size_t size, room;
} text;

static void append(text *t, const char *data, size_t size)
{
	if (t->size + size > t->room) {
		t->room = 2 * (t->size + size);
		t->at = realloc(t->at, t->room);
		if (t->at == NULL) abort();
	}
	memcpy(t->at + t->size, data, size);
	t->size += size;
}

static void append_string(text *t, const char *data, size_t size)
{
	char *escaped = malloc(6 * size + 2);
	size_t need;
	if (escaped == NULL || !wf_utf8_valid(data, size) || data[size] != '\0') abort();
	wf_field_write_text(data, size, escaped, 6 * size + 2, &need);
	if (need > 6 * size + 2) abort();
	append(t, escaped, need);
	free(escaped);
}

static void append_number(text *t, const weft_json *json)
{
	char digits[WF_NUMBER_ROOM];
	double real;
	int64_t whole;
	if (weft_json_real(json, "", &real) != 0 || !isfinite(real)) abort();
	if (json->whole) {
		size_t need;
		const weft_field field[] = { weft_i64("", json->as.i64), { 0 } };
		if (weft_json_i64(json, "", &whole) != 0 || whole != json->as.i64) abort();
		if (wf_field_write(field, digits, sizeof digits, &need) != 0) abort();
		/* Without the {"": before it and the } after it. */
		append(t, digits + 4, need - 5);
	} else {
		append(t, digits, wf_number_write(real, digits));
	}
}

static void append_json(text *t, const weft_json *json)
{
	uint32_t children = 0;
	bool object = json->kind == WEFT_JSON_OBJECT, truth = false;
	switch (weft_json_kind_of(json, "")) {
	case WEFT_JSON_NULL:
		append(t, "null", 4);
		return;
	case WEFT_JSON_BOOL:
		if (weft_json_bool(json, "", &truth) != 0) abort();
		append(t, truth ? "true" : "false", truth ? 4 : 5);
		return;
	case WEFT_JSON_NUMBER:
		append_number(t, json);
		return;
	case WEFT_JSON_TEXT:
		append_string(t, json->as.text, json->count);
		return;
	default:
		break;
	}
	append(t, object ? "{" : "[", 1);
	for (const weft_json *c = weft_json_first(json); c != NULL; c = weft_json_next(c)) {
		if (children++ > 0) append(t, ",", 1);
		if ((weft_json_name(c) != NULL) != object || c->parent != json) abort();
		if (object) append_string(t, c->name, c->name_size);
		if (object) append(t, ":", 1);
		append_json(t, c);
	}
	if (children != json->count) abort();
	append(t, object ? "}" : "]", 1);
}

static text write_again(const char *data, size_t size)
{
	text t = { 0 };
	weft_json *json;
	weft_json_error error = { .at = SIZE_MAX };
	int rc = weft_json_parse(data, size, &json, &error);
	if (rc == 0) {
		append_json(&t, json);
		weft_json_free(json);
	} else if (rc != WEFT_EBADJSON || error.at > size || error.text == NULL) {
		abort();
	}
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	text once = write_again((const char *)data, size);
	if (once.at != NULL) {
		text twice = write_again(once.at, once.size);
		if (twice.size != once.size || memcmp(twice.at, once.at, once.size) != 0) abort();
		free(twice.at);
	}
	free(once.at);
	return 0;
}
