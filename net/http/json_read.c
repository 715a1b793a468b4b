/* The getters, and documents that own their memory. A getter that fails leaves its reason in the
 * document, with the whole path from the root, which the tree's parents tell. */
#include <stdio.h>
#include <string.h>

#include "context/alloc.h"
#include "net/http/json.h"

static const char missing[] = "missing";

static const weft_json *root_of(const weft_json *json)
{
	while (json->parent != NULL) json = json->parent;
	return json;
}

/* The root is always the beginning of a document, and no document is constant. */
static wf_json_document *document_of(const weft_json *json)
{
	return wf_container_of(root_of(json), wf_json_document, root);
}

static const weft_json *member_of(const weft_json *json, const char *name, size_t size)
{
	if (json->kind != WEFT_JSON_OBJECT) return NULL;
	for (const weft_json *m = json->as.first; m != NULL; m = m->next)
		if (m->name_size == size && memcmp(m->name, name, size) == 0) return m;
	return NULL;
}

/* A position is written without a sign and without needless zeros. */
static const weft_json *element_of(const weft_json *json, const char *digits, size_t size)
{
	if (json->kind != WEFT_JSON_ARRAY || size == 0 || size > 9) return NULL;
	if (digits[0] == '0' && size > 1) return NULL;
	size_t position = 0;
	for (size_t i = 0; i < size; i++) {
		if (digits[i] < '0' || digits[i] > '9') return NULL;
		position = position * 10 + (size_t)(digits[i] - '0');
	}
	if (position >= json->count) return NULL;
	const weft_json *e = json->as.first;
	while (position-- > 0) e = e->next;
	return e;
}

static const weft_json *find(const weft_json *json, const char *path)
{
	wf_assert(json != NULL && path != NULL);
	if (*path == '\0') return json;
	for (;; path++) {
		size_t size = strcspn(path, ".");
		json = json->kind == WEFT_JSON_ARRAY ? element_of(json, path, size)
											 : member_of(json, path, size);
		path += size;
		if (json == NULL || *path == '\0') return json;
	}
}

/* Writes `part` and a dot before `*at`, as far as there is room; what is cut is the beginning. */
static void put_before(char *text, size_t *at, const char *part, size_t size)
{
	if (*at > 0) text[--*at] = '.';
	for (; *at > 0 && size > 0; size--) text[--*at] = part[size - 1];
}

/* Writes the path to `json` before `*at`, each part followed by a dot. */
static void put_path(char *text, size_t *at, const weft_json *json)
{
	for (; json->parent != NULL; json = json->parent) {
		char digits[24];
		size_t position = 0;
		if (json->name != NULL) {
			put_before(text, at, json->name, json->name_size);
			continue;
		}
		for (const weft_json *e = json->parent->as.first; e != json; e = e->next) position++;
		int size = snprintf(digits, sizeof digits, "%zu", position);
		put_before(text, at, digits, (size_t)size);
	}
}

static int complain(const weft_json *json, const char *path, const char *why)
{
	wf_json_document *document = document_of(json);
	char prefix[WF_JSON_COMPLAINT_SIZE];
	size_t at = sizeof prefix;
	put_path(prefix, &at, json);
	size_t size = sizeof prefix - at;
	/* "a.b" itself failed: no dot before what follows. */
	if (*path == '\0' && size > 0) size--;
	bool whole = size == 0 && *path == '\0';
	snprintf(document->complaint, sizeof document->complaint, "%.*s%.60s%s%s", (int)size,
		prefix + at, path, whole ? "" : ": ", why);
	return WEFT_EBADJSON;
}

/* The value at `path` when it is of that kind; NULL, and the complaint is made, otherwise. */
static const weft_json *get(const weft_json *json, const char *path, int kind, const char *why)
{
	const weft_json *value = find(json, path);
	if (value != NULL && value->kind == kind) return value;
	complain(json, path, value == NULL ? missing : why);
	return NULL;
}

weft_json_kind weft_json_kind_of(const weft_json *json, const char *path)
{
	const weft_json *value = find(json, path);
	return value != NULL ? (weft_json_kind)value->kind : WEFT_JSON_MISSING;
}

int weft_json_i64(const weft_json *json, const char *path, int64_t *out)
{
	static const char why[] = "not a whole number";
	const double exact = 9007199254740992.0;
	const weft_json *value = get(json, path, WEFT_JSON_NUMBER, why);
	if (value == NULL) return WEFT_EBADJSON;
	if (value->whole) {
		*out = value->as.i64;
		return 0;
	}
	double real = value->as.real;
	if (real <= -exact || real >= exact) return complain(json, path, "too large a number");
	if (real != (double)(int64_t)real) return complain(json, path, why);
	*out = (int64_t)real;
	return 0;
}

int weft_json_real(const weft_json *json, const char *path, double *out)
{
	const weft_json *value = get(json, path, WEFT_JSON_NUMBER, "not a number");
	if (value == NULL) return WEFT_EBADJSON;
	*out = value->whole ? (double)value->as.i64 : value->as.real;
	return 0;
}

int weft_json_bool(const weft_json *json, const char *path, bool *out)
{
	const weft_json *value = get(json, path, WEFT_JSON_BOOL, "neither true nor false");
	if (value == NULL) return WEFT_EBADJSON;
	*out = value->as.truth;
	return 0;
}

int weft_json_text_size(const weft_json *json, const char *path, const char **out, size_t *size)
{
	const weft_json *value = get(json, path, WEFT_JSON_TEXT, "not a text");
	if (value == NULL) return WEFT_EBADJSON;
	*out = value->as.text;
	*size = value->count;
	return 0;
}

int weft_json_text(const weft_json *json, const char *path, const char **out)
{
	const char *text;
	size_t size;
	int rc = weft_json_text_size(json, path, &text, &size);
	if (rc != 0) return rc;
	if (memchr(text, '\0', size) != NULL) return complain(json, path, "a text with a NUL in it");
	*out = text;
	return 0;
}

int weft_json_count(const weft_json *json, const char *path, size_t *out)
{
	const weft_json *value = find(json, path);
	if (value == NULL) return complain(json, path, missing);
	if (value->kind != WEFT_JSON_ARRAY && value->kind != WEFT_JSON_OBJECT)
		return complain(json, path, "neither an array nor an object");
	*out = value->count;
	return 0;
}

int weft_json_at(const weft_json *json, const char *path, const weft_json **out)
{
	const weft_json *value = find(json, path);
	if (value == NULL) return complain(json, path, missing);
	*out = value;
	return 0;
}

int weft_json_member(const weft_json *json, const char *name, const weft_json **out)
{
	wf_assert(json != NULL && name != NULL);
	const weft_json *value = member_of(json, name, strlen(name));
	if (value == NULL) return complain(json, name, missing);
	*out = value;
	return 0;
}

const weft_json *weft_json_first(const weft_json *json)
{
	wf_assert(json != NULL);
	bool container = json->kind == WEFT_JSON_ARRAY || json->kind == WEFT_JSON_OBJECT;
	return container ? json->as.first : NULL;
}

const weft_json *weft_json_next(const weft_json *json)
{
	wf_assert(json != NULL);
	return json->next;
}

const char *weft_json_name(const weft_json *json)
{
	wf_assert(json != NULL);
	return json->name;
}

const char *weft_json_complaint(const weft_json *json)
{
	wf_assert(json != NULL);
	return document_of(json)->complaint;
}

/* A block of a document that owns its memory; the value or text follows. */
typedef struct block {
	struct block *next;
	max_align_t content[];
} block;

static void *alloc_block(void *arg, size_t size)
{
	block **blocks = arg;
	block *fresh = wf_alloc(offsetof(block, content) + size);
	if (fresh == NULL) return NULL;
	fresh->next = *blocks;
	*blocks = fresh;
	return fresh->content;
}

static void free_blocks(block *blocks)
{
	while (blocks != NULL) {
		block *next = blocks->next;
		wf_free(blocks);
		blocks = next;
	}
}

int weft_json_parse(const char *text, size_t size, weft_json **out, weft_json_error *error)
{
	weft_json_error ignored;
	weft_json *json;
	block *blocks = NULL;
	int rc =
		wf_json_parse(text, size, 0, alloc_block, &blocks, &json, error != NULL ? error : &ignored);
	if (rc != 0) {
		free_blocks(blocks);
		return rc;
	}
	document_of(json)->blocks = blocks;
	*out = json;
	return 0;
}

void weft_json_free(weft_json *json)
{
	if (json == NULL) return;
	wf_assert(json->parent == NULL);
	free_blocks(document_of(json)->blocks);
}
