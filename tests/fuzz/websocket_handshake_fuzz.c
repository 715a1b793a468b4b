/* A stranger's head of an HTTP/1 message as the opening handshake of a WebSocket. The first byte
 * says what it is: a response (1), HTTP/2 as the version (2), from any origin (4), extensions were
 * offered (8). What is accepted must be so by a second look that is slow and plain. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/error.h>

#include "net/http/http_parse.h"
#include "net/websocket/websocket_handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 24 };

typedef struct parsed {
	wf_http_head head;
	wf_http_field fields[FIELDS];
	const char *text;
} parsed;

static const char *const subprotocols[] = { "chat", "superchat", NULL };
static const char sample_key[] = "dGhlIHNhbXBsZSBub25jZQ==";

static void require(bool truth)
{
	if (!truth) abort();
}

static bool find_field(
	const void *arg, const char *name, size_t nth, const char **value, size_t *size)
{
	const parsed *p = arg;
	size_t length = strlen(name);
	for (uint32_t i = 0; i < p->head.field_count; i++) {
		const wf_http_field *field = &p->fields[i];
		if (field->name.size != length) continue;
		if (strncasecmp(p->text + field->name.at, name, length) != 0 || nth-- > 0) continue;
		*value = p->text + field->value.at;
		*size = field->value.size;
		return true;
	}
	return false;
}

/* Whether a field of that name, its value taken as it is, has these letters in it. */
static bool mentions(const parsed *p, const char *name, const char *letters)
{
	const char *value;
	size_t size, length = strlen(letters);
	for (size_t nth = 0; find_field(p, name, nth, &value, &size); nth++)
		for (size_t at = 0; at + length <= size; at++)
			if (strncasecmp(value + at, letters, length) == 0) return true;
	return false;
}

static bool comes_once(const parsed *p, const char *name)
{
	const char *value;
	size_t size;
	return find_field(p, name, 0, &value, &size) && !find_field(p, name, 1, &value, &size);
}

static bool is_known(const char *subprotocol)
{
	return subprotocol == NULL || subprotocol == subprotocols[0] || subprotocol == subprotocols[1];
}

static void check_accepted(
	const parsed *p, const wf_websocket_upgrade *u, const wf_websocket_answer *answer)
{
	char accept[WF_WEBSOCKET_ACCEPT_SIZE];
	const char *key;
	size_t size;
	require(comes_once(p, "sec-websocket-version") && mentions(p, "sec-websocket-version", "13"));
	require(comes_once(p, "host"));
	if (answer->subprotocol != NULL)
		require(mentions(p, "sec-websocket-protocol", answer->subprotocol));
	if (u->version >= 20) return;
	require(strcmp(u->method, "GET") == 0 && u->version == 11);
	require(mentions(p, "upgrade", "websocket") && mentions(p, "connection", "upgrade"));
	require(comes_once(p, "sec-websocket-key"));
	require(find_field(p, "sec-websocket-key", 0, &key, &size) && size == 24);
	require(wf_websocket_accept(key, size, accept) == 0);
	require(strcmp(accept, answer->accept) == 0 && strlen(accept) == 28);
}

static void judge_request(const parsed *p, unsigned mode)
{
	char method[16] = "";
	if (p->head.method.size < sizeof method)
		memcpy(method, p->text + p->head.method.at, p->head.method.size);
	wf_websocket_upgrade u = { .method = method,
		.version = p->head.minor_version ? 11 : 10,
		.field = find_field,
		.arg = p,
		.subprotocols = subprotocols,
		.origin_allowed = mode & 4 ? NULL : wf_websocket_same_origin };
	if (mode & 2) u.version = 20;
	if (mode & 2) u.protocol = "websocket";
	wf_websocket_answer answer;
	require(wf_websocket_judge_upgrade(&u, &answer) == 0);
	require(is_known(answer.subprotocol) && answer.fields != NULL);
	if (answer.status == 101 || answer.status == 200) {
		require((answer.status == 200) == (u.version == 20));
		check_accepted(p, &u, &answer);
		return;
	}
	require(answer.status == 400 || answer.status == 403 || answer.status == 405 ||
			answer.status == 426);
	require(answer.text != NULL && answer.accept[0] == '\0' && answer.subprotocol == NULL);
}

static void judge_response(const parsed *p, unsigned mode)
{
	const char *subprotocol = NULL, *why = NULL;
	char accept[WF_WEBSOCKET_ACCEPT_SIZE];
	wf_websocket_response r = { .status = p->head.status,
		.field = find_field,
		.arg = p,
		.key = mode & 2 ? NULL : sample_key,
		.subprotocols = subprotocols,
		.extensions_offered = mode & 8 };
	int rc = wf_websocket_judge_response(&r, &subprotocol, &why);
	require(rc == 0 || (rc == WEFT_EPROTO && why != NULL && subprotocol == NULL));
	if (rc != 0) return;
	require(is_known(subprotocol));
	if (mode & 2) return;
	require(wf_websocket_accept(sample_key, strlen(sample_key), accept) == 0);
	require(r.status == 101 && mentions(p, "sec-websocket-accept", accept));
	require(mentions(p, "upgrade", "websocket") && mentions(p, "connection", "upgrade"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const wf_http_limits limits = { WF_HTTP_HEAD_BYTES, WF_HTTP_TARGET_BYTES, FIELDS };
	parsed p;
	if (size < 1) return 0;
	unsigned mode = data[0];
	p.text = (const char *)data + 1;
	wf_http_kind kind = mode & 1 ? WF_HTTP_RESPONSE : WF_HTTP_REQUEST;
	wf_http_head_init(&p.head, kind, p.fields, &limits);
	if (wf_http_parse(&p.head, p.text, size - 1) != WF_HTTP_DONE) return 0;
	if (mode & 1)
		judge_response(&p, mode);
	else
		judge_request(&p, mode);
	return 0;
}
