/* Names and texts of every code a call of weft may return. Three sources, asked in this order: the
 * public table, the values libuv has beyond errno, the C library. Nothing is formatted, so nothing
 * needs a buffer: an unknown code has a constant name, and the caller prints the number. */
#include <weft/error.h>

#include <string.h>

typedef struct entry {
	int rc;
	const char *name, *text;
} entry;

#define ENTRY(name, value, text) { value, #name, text },

static const entry own[] = { WEFT_ERRORS(ENTRY) };

/* libuv's values that are no errno; they are part of its ABI. The resolver's come first. */
static const entry from_libuv[] = {
	{ -3000, "EAI_ADDRFAMILY", "address family not supported by the name" },
	{ -3001, "EAI_AGAIN", "temporary failure of name resolution" },
	{ -3002, "EAI_BADFLAGS", "bad flags for name resolution" },
	{ -3003, "EAI_CANCELED", "name resolution cancelled" },
	{ -3004, "EAI_FAIL", "permanent failure of name resolution" },
	{ -3005, "EAI_FAMILY", "address family not supported" },
	{ -3006, "EAI_MEMORY", "out of memory in name resolution" },
	{ -3007, "EAI_NODATA", "the name has no address" },
	{ -3008, "EAI_NONAME", "unknown name or service" },
	{ -3009, "EAI_OVERFLOW", "argument buffer overflow in name resolution" },
	{ -3010, "EAI_SERVICE", "service not available for this socket type" },
	{ -3011, "EAI_SOCKTYPE", "socket type not supported" },
	{ -3013, "EAI_BADHINTS", "invalid hints for name resolution" },
	{ -3014, "EAI_PROTOCOL", "resolved protocol is unknown" },
	{ -4080, "ECHARSET", "invalid Unicode character" },
	{ -4094, "UNKNOWN", "unknown error" },
};

static const entry *find_in(const entry *table, size_t count, int rc)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].rc == rc) return &table[i];
	}
	return NULL;
}

static const entry *find(int rc)
{
	const entry *found = find_in(own, WEFT_COUNT(own), rc);
	return found ? found : find_in(from_libuv, WEFT_COUNT(from_libuv), rc);
}

/* The smallest int has no positive counterpart, and errno ends far above it. */
static int errno_of(int rc)
{
	return rc > -4096 ? -rc : -1;
}

const char *weft_error_name(int rc)
{
	if (rc >= 0) return "OK";
	const entry *found = find(rc);
	if (found != NULL) return found->name;
#ifdef __GLIBC__
	const char *name = strerrorname_np(errno_of(rc));
	if (name != NULL) return name;
#endif
	return "EUNKNOWN";
}

const char *weft_error_text(int rc)
{
	if (rc >= 0) return "success";
	const entry *found = find(rc);
	if (found != NULL) return found->text;
#ifdef __GLIBC__
	const char *text = strerrordesc_np(errno_of(rc));
	if (text != NULL) return text;
#endif
	return "unknown error";
}
