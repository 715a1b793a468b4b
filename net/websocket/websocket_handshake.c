/* The checks go from what makes it a WebSocket request at all to what is wrong with this one, so
 * that a browser sent to the wrong place hears 426 and a broken client hears what broke. */
#include "net/websocket/websocket_handshake.h"

#include <openssl/evp.h>
#include <string.h>
#include <weft/error.h>

#include "net/http/http_parse.h"
#include "net/http/http_scan.h"

enum { KEY_LENGTH = WF_WEBSOCKET_KEY_SIZE - 1, SHA1_BYTES = 20 };

/* What the fields of both kinds of messages look like. */
typedef struct fields {
	wf_websocket_field_fn *field;
	const void *arg;
} fields;

static const char *const switch_fields[] = { "Upgrade", "websocket", "Connection", "Upgrade",
	NULL };
static const char *const version_fields[] = { "Upgrade", "websocket", "Connection", "Upgrade",
	"Sec-WebSocket-Version", "13", NULL };
static const char *const version_fields_2[] = { "sec-websocket-version", "13", NULL };
static const char *const method_fields[] = { "Allow", "GET", NULL };
static const char *const no_fields[] = { NULL };

static void encode_base64(const uint8_t *data, size_t size, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t group = (uint32_t)data[i] << 16;
		if (left > 1) group |= (uint32_t)data[i + 1] << 8;
		if (left > 2) group |= data[i + 2];
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[group & 63] : '=';
	}
	*out = '\0';
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
		   c == '/';
}

/* Base64 of 16 bytes. The last letter has four bits that stand for nothing; they are not looked at,
 * since the example key of the RFC itself has one of them set. */
static bool is_key(const char *key, size_t size)
{
	if (size != KEY_LENGTH || key[KEY_LENGTH - 1] != '=' || key[KEY_LENGTH - 2] != '=')
		return false;
	for (size_t i = 0; i < KEY_LENGTH - 2; i++)
		if (!is_base64(key[i])) return false;
	return true;
}

void wf_websocket_key(const uint8_t random[16], char out[WF_WEBSOCKET_KEY_SIZE])
{
	encode_base64(random, 16, out);
}

int wf_websocket_accept(const char *key, size_t key_size, char out[WF_WEBSOCKET_ACCEPT_SIZE])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[KEY_LENGTH + sizeof magic];
	uint8_t digest[SHA1_BYTES];
	unsigned size = sizeof digest;
	wf_assert(key_size == KEY_LENGTH);
	memcpy(text, key, KEY_LENGTH);
	memcpy(text + KEY_LENGTH, magic, sizeof magic);
	if (EVP_Digest(text, sizeof text - 1, digest, &size, EVP_sha1(), NULL) != 1) return -EIO;
	wf_assert(size == sizeof digest);
	encode_base64(digest, sizeof digest, out);
	return 0;
}

/* The value of a field that may come once. 1 it did, 0 it did not, -1 it came more often. */
static int single(const fields *f, const char *name, const char **value, size_t *size)
{
	const char *other;
	size_t other_size;
	if (!f->field(f->arg, name, 0, value, size)) return 0;
	return f->field(f->arg, name, 1, &other, &other_size) ? -1 : 1;
}

/* True when `token` is among the elements of all fields of that name. */
static bool listed(const fields *f, const char *name, const char *token)
{
	const char *value;
	size_t size;
	for (size_t nth = 0; f->field(f->arg, name, nth, &value, &size); nth++)
		if (wf_http_list_has(value, size, token)) return true;
	return false;
}

static bool is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!wf_byte_is(text[i], WF_BYTE_TOKEN)) return false;
	return size > 0;
}

/* The one of `known` that is spelled so: subprotocols know upper from lower case (section 11.5). */
static const char *known_as(const char *const *known, const char *text, size_t size)
{
	for (; known != NULL && *known != NULL; known++)
		if (strlen(*known) == size && memcmp(*known, text, size) == 0) return *known;
	return NULL;
}

static int refuse(
	wf_websocket_answer *answer, int status, const char *text, const char *const *send)
{
	answer->status = status;
	answer->text = text;
	answer->fields = send;
	return status;
}

/* These return 0, or the status of the refusal. */

static int judge_request_line(const wf_websocket_upgrade *u, wf_websocket_answer *answer)
{
	const fields f = { u->field, u->arg };
	const char *value;
	size_t size;
	if (u->version >= 20) {
		if (strcmp(u->method, "CONNECT") != 0 || u->protocol == NULL ||
			strcmp(u->protocol, "websocket") != 0)
			return refuse(answer, 400, "only a WebSocket is served here", no_fields);
		return 0;
	}
	if (strcmp(u->method, "GET") != 0)
		return refuse(answer, 405, "a WebSocket is asked for by GET", method_fields);
	/* HTTP/1.0 has no Upgrade; what looks like one counts for nothing (RFC 9110 section 7.8). */
	if (u->version < 11 || !f.field(f.arg, "upgrade", 0, &value, &size))
		return refuse(answer, 426, "only a WebSocket is served here", switch_fields);
	if (!listed(&f, "upgrade", "websocket"))
		return refuse(answer, 426, "Upgrade does not name websocket", switch_fields);
	if (!listed(&f, "connection", "upgrade"))
		return refuse(answer, 400, "Connection does not name Upgrade", no_fields);
	return 0;
}

static int judge_version(const wf_websocket_upgrade *u, wf_websocket_answer *answer)
{
	const fields f = { u->field, u->arg };
	const char *value;
	size_t size;
	int count = single(&f, "sec-websocket-version", &value, &size);
	if (count < 0) return refuse(answer, 400, "Sec-WebSocket-Version comes twice", no_fields);
	if (count == 0 || size != 2 || memcmp(value, "13", 2) != 0)
		return refuse(answer, 426, "the version of WebSocket is 13",
			u->version >= 20 ? version_fields_2 : version_fields);
	return 0;
}

/* Host and origin, of which the service may have an opinion. */
static int judge_origin(const wf_websocket_upgrade *u, wf_websocket_answer *answer)
{
	const fields f = { u->field, u->arg };
	const char *host, *origin;
	size_t host_size, origin_size;
	if (single(&f, "host", &host, &host_size) != 1 || host_size == 0)
		return refuse(answer, 400, "Host is missing, empty or comes twice", no_fields);
	int count = single(&f, "origin", &origin, &origin_size);
	if (count < 0) return refuse(answer, 400, "Origin comes twice", no_fields);
	if (count == 0 || u->origin_allowed == NULL) return 0;
	if (!u->origin_allowed(u->origin_arg, origin, origin_size, host, host_size))
		return refuse(answer, 403, "pages from this origin may not connect", no_fields);
	return 0;
}

/* All that the client names must be tokens, though only the first one spoken here is taken. */
static int choose_subprotocol(const wf_websocket_upgrade *u, wf_websocket_answer *answer)
{
	const char *value, *item;
	size_t size, item_size;
	for (size_t nth = 0; u->field(u->arg, "sec-websocket-protocol", nth, &value, &size); nth++) {
		const char *at = value;
		while (wf_http_list_next(&at, value + size, &item, &item_size)) {
			if (!is_token(item, item_size))
				return refuse(answer, 400, "Sec-WebSocket-Protocol is malformed", no_fields);
			if (answer->subprotocol == NULL)
				answer->subprotocol = known_as(u->subprotocols, item, item_size);
		}
	}
	return 0;
}

int wf_websocket_judge_upgrade(const wf_websocket_upgrade *u, wf_websocket_answer *out)
{
	const fields f = { u->field, u->arg };
	const char *key;
	size_t key_size;
	wf_websocket_answer answer = { .fields = no_fields };
	if (judge_request_line(u, &answer) != 0 || judge_version(u, &answer) != 0 ||
		judge_origin(u, &answer) != 0 || choose_subprotocol(u, &answer) != 0)
		goto refused;
	if (u->version >= 20) {
		answer.status = 200;
		*out = answer;
		return 0;
	}
	if (single(&f, "sec-websocket-key", &key, &key_size) != 1 || !is_key(key, key_size)) {
		refuse(&answer, 400, "Sec-WebSocket-Key is not one base64 of 16 bytes", no_fields);
		goto refused;
	}
	if (wf_websocket_accept(key, key_size, answer.accept) != 0) return -EIO;
	answer.status = 101;
	answer.fields = switch_fields;
	*out = answer;
	return 0;
refused:
	answer.subprotocol = NULL;
	*out = answer;
	return 0;
}

/* What follows "://" of an origin, without the port that goes without saying; and the port. */
static bool split_origin(
	const char *origin, size_t size, const char **host, size_t *host_size, const char **port)
{
	static const struct {
		const char *scheme, *port;
	} schemes[] = { { "http://", ":80" }, { "https://", ":443" } };
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i].scheme);
		if (size <= n || !wf_http_same(origin, n, schemes[i].scheme, n)) continue;
		*host = origin + n;
		*host_size = size - n;
		*port = schemes[i].port;
		return true;
	}
	return false;
}

static size_t without_port(const char *host, size_t size, const char *port)
{
	size_t n = strlen(port);
	bool ends = size > n && memcmp(host + size - n, port, n) == 0;
	return ends ? size - n : size;
}

bool wf_websocket_same_origin(
	void *arg, const char *origin, size_t origin_size, const char *host, size_t host_size)
{
	const char *from, *port;
	size_t from_size;
	(void)arg;
	if (!split_origin(origin, origin_size, &from, &from_size, &port)) return false;
	return wf_http_same(
		from, without_port(from, from_size, port), host, without_port(host, host_size, port));
}

/* NULL, or what is wrong with a response of HTTP/1.1. */
static const char *judge_switch(const wf_websocket_response *r, const char *accept)
{
	const fields f = { r->field, r->arg };
	const char *value;
	size_t size;
	if (r->status != 101) return "the server does not switch protocols";
	if (single(&f, "upgrade", &value, &size) != 1 || !wf_http_same(value, size, "websocket", 9))
		return "Upgrade of the response is not websocket";
	if (!listed(&f, "connection", "upgrade")) return "Connection of the response is not Upgrade";
	if (single(&f, "sec-websocket-accept", &value, &size) != 1 || size != strlen(accept) ||
		memcmp(value, accept, size) != 0)
		return "Sec-WebSocket-Accept does not answer the key";
	return NULL;
}

/* NULL, or what is wrong with what the server chose. */
static const char *judge_choices(const wf_websocket_response *r, const char **subprotocol)
{
	const fields f = { r->field, r->arg };
	const char *value;
	size_t size;
	if (!r->extensions_offered && f.field(f.arg, "sec-websocket-extensions", 0, &value, &size))
		return "the server chose an extension that was not offered";
	*subprotocol = NULL;
	int count = single(&f, "sec-websocket-protocol", &value, &size);
	if (count == 0) return NULL;
	if (count > 0) *subprotocol = known_as(r->subprotocols, value, size);
	return *subprotocol != NULL ? NULL : "the server chose a subprotocol that was not offered";
}

int wf_websocket_judge_response(
	const wf_websocket_response *r, const char **subprotocol, const char **why)
{
	char accept[WF_WEBSOCKET_ACCEPT_SIZE];
	const char *chosen, *wrong = NULL;
	if (r->key != NULL) {
		if (wf_websocket_accept(r->key, strlen(r->key), accept) != 0) return -EIO;
		wrong = judge_switch(r, accept);
	} else if (r->status < 200 || r->status > 299) {
		wrong = "the server does not open a WebSocket";
	}
	if (wrong == NULL) wrong = judge_choices(r, &chosen);
	if (wrong != NULL) {
		*why = wrong;
		return WEFT_EPROTO;
	}
	*subprotocol = chosen;
	return 0;
}
