/* One pass over the text, without recursion: the parser stands in a container, reads the values in
 * it one by one and goes into and out of containers by their `parent`. What bounds it:
 *   depth   WF_JSON_DEPTH_MAX containers
 *   memory  names and texts share one block as large as the input, which they cannot outgrow: what
 *           an escape stands for is never longer than the escape, and the NUL takes the place of a
 *           quote. Values come from blocks that double in size, `values_max` of them in all
 *   time    linear, but for the search for names that come twice, which sorts
 * UTF-8 is checked beforehand, so that beyond ASCII only whole characters are met. */
#include "net/http/json.h"

#include <string.h>

#include "net/http/number.h"
#include "net/http/utf8_check.h"

enum {
	FEW_MEMBERS = 8, /* so many are compared each with each */
	BLOCK_VALUES_MIN = 16,
	BLOCK_VALUES_MAX = 1024,
};

typedef struct parser {
	const char *start, *at, *end;
	char *room; /* where the next name or text goes */
	wf_json_alloc_fn *alloc;
	void *arg;
	weft_json *spare; /* values allocated and not yet used */
	size_t spare_count, block_count, values_left;
	weft_json *container; /* NULL outside the outermost one */
	size_t depth;
	weft_json *last[WF_JSON_DEPTH_MAX]; /* the newest value of each container */
	weft_json_error *error;
} parser;

static int refuse_at(parser *p, const char *at, const char *text)
{
	*p->error = (weft_json_error){ .at = (size_t)(at - p->start), .text = text };
	return WEFT_EBADJSON;
}

static int refuse(parser *p, const char *text)
{
	return refuse_at(p, p->at, p->at == p->end ? "it ends too early" : text);
}

static void skip_space(parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
		p->at++;
}

static bool next_is(const parser *p, char c)
{
	return p->at < p->end && *p->at == c;
}

/* Past bytes that stand for themselves in a string; eight at a time where all of them do. */
static const char *skip_plain(const char *at, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
	for (; end - at >= 8; at += 8) {
		uint64_t word;
		memcpy(&word, at, sizeof word);
		uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
		/* A top bit appears where a byte is below 0x20, or where a difference is zero. Bytes
		 * above 0x7F never show one of their own. Borrows can only make it too careful. */
		uint64_t stop = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
						((backslash - ones) & ~backslash);
		if (stop & tops) break;
	}
	while (at < end && (uint8_t)*at >= 0x20 && *at != '"' && *at != '\\') at++;
	return at;
}

/* Four hexadecimal digits; negative when they are not. */
static int hex4(const char *at, const char *end)
{
	int value = 0;
	if (end - at < 4) return -1;
	for (int i = 0; i < 4; i++) {
		int c = at[i];
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return -1;
		value = value << 4 | c;
	}
	return value;
}

/* What follows a backslash and a u. */
static int take_code_point(parser *p)
{
	const char *escape = p->at - 2;
	int high = hex4(p->at, p->end);
	if (high < 0) return refuse_at(p, escape, "\\u wants four hexadecimal digits");
	p->at += 4;
	uint32_t c = (uint32_t)high;
	if (c >= 0xD800 && c <= 0xDFFF) {
		bool pair = c < 0xDC00 && p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'u';
		int low = pair ? hex4(p->at + 2, p->end) : -1;
		if (low < 0xDC00 || low > 0xDFFF) return refuse_at(p, escape, "half a surrogate pair");
		c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
		p->at += 6;
	}
	p->room += wf_utf8_encode(c, p->room);
	return 0;
}

static int take_escape(parser *p)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	p->at++;
	if (p->at == p->end) return refuse(p, "");
	char c = *p->at++;
	if (c == 'u') return take_code_point(p);
	const char *name = c != '\0' ? strchr(names, c) : NULL;
	if (name == NULL) return refuse_at(p, p->at - 2, "no such escape");
	*p->room++ = meanings[name - names];
	return 0;
}

/* The string whose opening quote is next. */
static int take_string(parser *p, const char **out, uint32_t *size)
{
	char *text = p->room;
	p->at++;
	for (;;) {
		const char *plain = p->at;
		p->at = skip_plain(plain, p->end);
		memcpy(p->room, plain, (size_t)(p->at - plain));
		p->room += p->at - plain;
		if (next_is(p, '"')) break;
		if (!next_is(p, '\\')) return refuse(p, "a control character in a string");
		int rc = take_escape(p);
		if (rc != 0) return rc;
	}
	p->at++;
	*size = (uint32_t)(p->room - text);
	*p->room++ = '\0';
	*out = text;
	return 0;
}

static size_t count_digits(parser *p)
{
	const char *from = p->at;
	while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
	return (size_t)(p->at - from);
}

/* The whole number at `text`, when it fits; -0 does not, its sign being lost. */
static bool read_whole(const char *text, const char *end, int64_t *out)
{
	bool negative = *text == '-';
	int64_t value = 0;
	for (text += negative; text < end; text++) {
		int digit = *text - '0';
		if (__builtin_mul_overflow(value, 10, &value)) return false;
		/* Downwards for negative ones, which reach one further. */
		if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
	}
	if (negative && value == 0) return false;
	*out = value;
	return true;
}

static int take_number(parser *p, weft_json *value)
{
	const char *text = p->at;
	bool whole = true;
	p->at += *p->at == '-';
	const char *integer = p->at;
	if (count_digits(p) == 0) return refuse(p, "a number wants a digit here");
	if (*integer == '0' && p->at - integer > 1)
		return refuse_at(p, integer, "a number may not begin with 0");
	if (next_is(p, '.')) {
		whole = false;
		p->at++;
		if (count_digits(p) == 0) return refuse(p, "a number wants a digit here");
	}
	if (next_is(p, 'e') || next_is(p, 'E')) {
		whole = false;
		p->at++;
		p->at += next_is(p, '-') || next_is(p, '+');
		if (count_digits(p) == 0) return refuse(p, "a number wants a digit here");
	}
	value->kind = WEFT_JSON_NUMBER;
	value->whole = whole && read_whole(text, p->at, &value->as.i64);
	if (value->whole) return 0;
	if (wf_number_read(text, (size_t)(p->at - text), &value->as.real) != 0)
		return refuse_at(p, text, "a number beyond the largest double, or too long");
	return 0;
}

static bool take_word(parser *p, const char *word)
{
	size_t size = strlen(word);
	if ((size_t)(p->end - p->at) < size || memcmp(p->at, word, size) != 0) return false;
	p->at += size;
	return true;
}

/* A value that is no container. */
static int take_scalar(parser *p, weft_json *value)
{
	char c = p->at < p->end ? *p->at : '\0';
	if (c == '"') {
		value->kind = WEFT_JSON_TEXT;
		return take_string(p, &value->as.text, &value->count);
	}
	if (c == '-' || (c >= '0' && c <= '9')) return take_number(p, value);
	value->kind = WEFT_JSON_BOOL;
	value->as.truth = c == 't';
	if (take_word(p, "true") || take_word(p, "false")) return 0;
	value->kind = WEFT_JSON_NULL;
	if (take_word(p, "null")) return 0;
	return refuse(p, "a value is due here");
}

/* A fresh value, zeroed, added to the current container. */
static int add_value(parser *p, weft_json **out)
{
	if (p->values_left == 0) return refuse_at(p, p->at, "too many values");
	if (p->spare_count == 0) {
		p->block_count *= p->block_count < BLOCK_VALUES_MAX ? 2 : 1;
		p->spare = p->alloc(p->arg, p->block_count * sizeof *p->spare);
		if (p->spare == NULL) return WEFT_ENOMEM;
		p->spare_count = p->block_count;
	}
	weft_json *value = p->spare++;
	p->spare_count--;
	p->values_left--;
	*value = (weft_json){ .parent = p->container };
	weft_json **last = &p->last[p->depth - 1];
	if (p->container->count++ == 0)
		p->container->as.first = value;
	else
		(*last)->next = value;
	*last = value;
	*out = value;
	return 0;
}

static int compare_names(const weft_json *a, const weft_json *b)
{
	if (a->name_size != b->name_size) return a->name_size < b->name_size ? -1 : 1;
	return memcmp(a->name, b->name, a->name_size);
}

static void sift_down(const weft_json **heap, size_t i, size_t n)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && compare_names(heap[child], heap[child + 1]) < 0) child++;
		if (compare_names(heap[i], heap[child]) >= 0) return;
		const weft_json *other = heap[i];
		heap[i] = heap[child];
		heap[child] = other;
	}
}

/* Takes the largest name out of a heap, again and again: equal ones come one after the other. */
static bool heap_has_twice(const weft_json **heap, size_t n)
{
	for (size_t i = n / 2; i > 0; i--) sift_down(heap, i - 1, n);
	const weft_json *before = NULL;
	for (; n > 0; n--) {
		if (before != NULL && compare_names(before, heap[0]) == 0) return true;
		before = heap[0];
		heap[0] = heap[n - 1];
		sift_down(heap, 0, n - 1);
	}
	return false;
}

static bool few_have_twice(const weft_json *object)
{
	for (const weft_json *a = object->as.first; a != NULL; a = a->next)
		for (const weft_json *b = a->next; b != NULL; b = b->next)
			if (compare_names(a, b) == 0) return true;
	return false;
}

static int refuse_names_twice(parser *p, const weft_json *object)
{
	static const char text[] = "a name comes twice in the object that ends here";
	if (object->count <= FEW_MEMBERS) return few_have_twice(object) ? refuse_at(p, p->at, text) : 0;
	const weft_json **heap = p->alloc(p->arg, object->count * sizeof(const weft_json *));
	if (heap == NULL) return WEFT_ENOMEM;
	size_t n = 0;
	for (const weft_json *m = object->as.first; m != NULL; m = m->next) heap[n++] = m;
	return heap_has_twice(heap, n) ? refuse_at(p, p->at, text) : 0;
}

static char closing(const weft_json *container)
{
	return container->kind == WEFT_JSON_OBJECT ? '}' : ']';
}

static int enter(parser *p, weft_json *value)
{
	if (p->depth == WF_JSON_DEPTH_MAX) return refuse(p, "nested too deep");
	value->kind = *p->at == '{' ? WEFT_JSON_OBJECT : WEFT_JSON_ARRAY;
	p->at++;
	p->container = value;
	p->depth++;
	return 0;
}

/* Leaves all containers that end here. */
static int leave(parser *p)
{
	for (skip_space(p); p->container != NULL && next_is(p, closing(p->container)); skip_space(p)) {
		if (p->container->kind == WEFT_JSON_OBJECT) {
			int rc = refuse_names_twice(p, p->container);
			if (rc != 0) return rc;
		}
		p->at++;
		p->container = p->container->parent;
		p->depth--;
	}
	return 0;
}

/* The next value of the current container, whose name, if any, and beginning are next. */
static int take_value(parser *p, weft_json **out)
{
	const char *name = NULL;
	uint32_t name_size = 0;
	if (p->container->kind == WEFT_JSON_OBJECT) {
		if (!next_is(p, '"')) return refuse(p, "a name is due here");
		int rc = take_string(p, &name, &name_size);
		if (rc != 0) return rc;
		skip_space(p);
		if (!next_is(p, ':')) return refuse(p, "':' is due here");
		p->at++;
		skip_space(p);
	}
	int rc = add_value(p, out);
	if (rc != 0) return rc;
	(*out)->name = name;
	(*out)->name_size = name_size;
	return 0;
}

/* All values from `value` on, whose beginning is next, to the end of the outermost one. */
static int take_values(parser *p, weft_json *value)
{
	for (;;) {
		bool container = next_is(p, '{') || next_is(p, '[');
		int rc = container ? enter(p, value) : take_scalar(p, value);
		if (rc == 0) rc = leave(p);
		if (rc != 0 || p->container == NULL) return rc;
		if (p->container->count > 0) {
			if (!next_is(p, ','))
				return refuse(p, p->container->kind == WEFT_JSON_OBJECT ? "',' or '}' is due here"
																		: "',' or ']' is due here");
			p->at++;
			skip_space(p);
		}
		rc = take_value(p, &value);
		if (rc != 0) return rc;
	}
}

static int take_document(parser *p, size_t size, weft_json **out)
{
	if (size > INT32_MAX) return refuse_at(p, p->start, "too long");
	size_t valid = wf_utf8_prefix(p->start, size);
	if (valid != size) return refuse_at(p, p->start + valid, "not UTF-8");
	skip_space(p);
	if (p->at == p->end) return refuse_at(p, p->at, "nothing but white space");
	wf_json_document *document = p->alloc(p->arg, sizeof *document);
	p->room = p->alloc(p->arg, size);
	if (document == NULL || p->room == NULL) return WEFT_ENOMEM;
	memset(document, 0, sizeof *document);
	p->values_left--;
	int rc = take_values(p, &document->root);
	if (rc != 0) return rc;
	if (p->at != p->end) return refuse(p, "more than one value");
	*out = &document->root;
	return 0;
}

int wf_json_parse(const char *text, size_t size, size_t values_max, wf_json_alloc_fn *alloc,
	void *arg, weft_json **out, weft_json_error *error)
{
	parser p = {
		.start = text,
		.at = text,
		.end = text + size,
		.alloc = alloc,
		.arg = arg,
		.block_count = BLOCK_VALUES_MIN / 2,
		.values_left = values_max != 0 ? values_max : WF_JSON_VALUES_MAX,
		.error = error,
	};
	return take_document(&p, size, out);
}
