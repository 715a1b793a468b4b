/* One person in one room: the protocol of docs/chat.md as a set of handlers, so that somebody who
 * only listens costs no stack.
 *
 * The order in which a session comes in matters. It subscribes before it looks at anything, so that
 * what is said meanwhile reaches it twice rather than never; the page knows a message by its key.
 * A message is published only after the store has saved it, and acknowledged in the same breath. */
#include "ask.h"
#include "chat.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { page_most = 100, latest_most = 50, members_most = 500, queue_most = 256 };
enum { close_replaced = 4001, close_bad = 4400, close_taken = 4409, close_failed = 1011 };

typedef struct session {
	chat *chat;
	weft_websocket *ws;
	chat_place place;
	chat_member me;
	char topic[sizeof "room:" + CHAT_ROOM_MAX];
	bool joined;
} session;

/* What was written goes out on this socket, and is gone. */
static int tell(session *s, chat_json *j)
{
	const char *text = chat_json_end(j);
	int rc = text ? weft_websocket_print(s->ws, "%s", text) : WEFT_ENOMEM;
	chat_json_fini(j);
	return rc;
}

/* The same to everybody in the room. Who misses it for want of memory sees a gap and asks. */
static void tell_all(session *s, chat_json *j)
{
	const char *text = chat_json_end(j);
	int rc = text ? weft_topic_print(s->topic, "%s", text) : WEFT_ENOMEM;
	if (rc)
		weft_log(WEFT_LOG_WARNING, "not published", weft_log_text("topic", s->topic),
			weft_log_code("error", rc));
	chat_json_fini(j);
}

/* Tells what is wrong with one message, or with all of it. */
static int complain(session *s, const char *code, const char *key, const char *text)
{
	chat_json j = { .text = NULL };
	chat_json_begin(&j, "error");
	chat_json_text(&j, "code", code);
	chat_json_text(&j, "text", text);
	chat_json_text(&j, "request_id", weft_request_id());
	if (key != NULL) chat_json_text(&j, "key", key);
	return tell(s, &j);
}

static int refuse(session *s, int close, const char *code, const char *text)
{
	int rc = complain(s, code, NULL, text);
	if (rc == 0) weft_websocket_finish(s->ws, close, code);
	return rc;
}

/* The person is told that it failed and by which number to ask; the log says why. */
static int storage_failed(session *s, int rc, const chat_call *call)
{
	if (rc == WEFT_ECANCELED) return rc;
	weft_log(WEFT_LOG_ERROR, "the store failed", weft_log_text("why", call->why),
		weft_log_code("error", rc));
	return refuse(s, close_failed, "storage", "The server cannot reach its history right now");
}

struct join {
	chat *chat;
	chat_call call;
	const char *room, *session;
	chat_place *place;
};

static int join_job(void *arg)
{
	struct join *j = arg;
	return chat_store_join(j->chat->store, &j->call, j->room, j->session, j->place);
}

struct add {
	chat *chat;
	chat_call call;
	chat_draft draft;
	chat_saved saved;
};

static int add_job(void *arg)
{
	struct add *a = arg;
	return chat_store_add(a->chat->store, &a->call, &a->draft, &a->saved);
}

struct history {
	chat *chat;
	chat_call call;
	chat_range range;
	chat_json json;
	bool more;
};

static void history_row(void *arg, const chat_row *row)
{
	chat_json *j = arg;
	chat_json_open(j, NULL, '{');
	chat_json_i64(j, "id", row->id);
	chat_json_i64(j, "author", row->author);
	chat_json_text(j, "name", row->name);
	chat_json_text(j, "key", row->key);
	chat_json_text(j, "text", row->text);
	chat_json_i64(j, "at", row->at_ms);
	chat_json_close(j, '{');
}

static int history_job(void *arg)
{
	struct history *h = arg;
	return chat_store_read(h->chat->store, &h->call, &h->range, history_row, &h->json, &h->more);
}

static void history_stop(void *arg)
{
	struct history *h = arg;
	chat_store_interrupt(h->chat->store, &h->call);
}

/* `after` or `before` may be negative: then it is the latest page. */
static int tell_history(session *s, int64_t after, int64_t before)
{
	struct history h = { .chat = s->chat, .range = { .room = s->place.room, .most = page_most } };
	chat_json_begin(&h.json, "history");
	if (after >= 0) {
		chat_json_i64(&h.json, "after", h.range.after = after);
	} else if (before > 0) {
		chat_json_i64(&h.json, "before", h.range.before = before);
	} else {
		h.range.before = CHAT_LATEST;
		h.range.most = latest_most;
	}
	chat_json_open(&h.json, "messages", '[');
	int rc = weft_offload(history_job, &h, .pool = s->chat->pool, .on_cancel = history_stop);
	if (rc) {
		chat_json_fini(&h.json);
		return storage_failed(s, rc, &h.call);
	}
	chat_json_close(&h.json, '[');
	chat_json_bool(&h.json, "more", h.more);
	return tell(s, &h.json);
}

static void member(void *arg, const chat_member *m)
{
	chat_json *j = arg;
	chat_json_open(j, NULL, '{');
	chat_json_i64(j, "author", m->author);
	chat_json_text(j, "name", m->name);
	chat_json_i64(j, "seen", m->seen);
	chat_json_close(j, '{');
}

static int tell_members(session *s)
{
	chat_json j = { .text = NULL };
	chat_change now;
	chat_json_begin(&j, "members");
	chat_json_open(&j, "members", '[');
	chat_members_each(s->chat->members, s->place.room, members_most, member, &j, &now);
	chat_json_close(&j, '[');
	chat_json_i64(&j, "v", now.v);
	chat_json_i64(&j, "count", now.count);
	return tell(s, &j);
}

static void tell_change(session *s, const char *type, const chat_change *change)
{
	chat_json j = { .text = NULL };
	chat_json_begin(&j, type);
	chat_json_i64(&j, "v", change->v);
	chat_json_i64(&j, "count", change->count);
	chat_json_i64(&j, "author", s->me.author);
	chat_json_text(&j, "name", s->me.name);
	chat_json_i64(&j, "seen", s->me.seen);
	tell_all(s, &j);
}

/* The author's older page learns that this one took over, and closes by itself. */
static void tell_replaced(session *s)
{
	chat_json j = { .text = NULL };
	chat_json_begin(&j, "replaced");
	chat_json_i64(&j, "author", s->me.author);
	chat_json_text(&j, "by", s->me.ticket);
	tell_all(s, &j);
}

static int tell_welcome(session *s, const char *room)
{
	chat_json j = { .text = NULL };
	chat_json_begin(&j, "welcome");
	chat_json_text(&j, "room", room);
	chat_json_i64(&j, "author", s->me.author);
	chat_json_text(&j, "name", s->me.name);
	chat_json_text(&j, "ticket", s->me.ticket);
	chat_json_text(&j, "archive", s->place.archive);
	chat_json_i64(&j, "text_max", CHAT_TEXT_MAX);
	chat_json_text(&j, "request_id", weft_request_id());
	return tell(s, &j);
}

static int draw_ticket(char ticket[CHAT_TICKET_SIZE])
{
	uint64_t drawn;
	if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) return -errno;
	snprintf(ticket, CHAT_TICKET_SIZE, "%016" PRIx64, drawn);
	return 0;
}

/* -1 when it was not given, -2 when it is no number. */
static int64_t number_of(const char *text)
{
	if (text == NULL) return -1;
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && digits <= 15 && text[digits] == '\0' ? strtoll(text, NULL, 10) : -2;
}

static int refuse_name(session *s)
{
	char text[sizeof s->me.name + 80];
	snprintf(text, sizeof text, "Somebody in this room is called %s already. Choose another name.",
		s->me.name);
	return refuse(s, close_taken, "name-taken", text);
}

/* Finds out who and where, in the store and among the members. Sets s->joined when all went well;
 * when it did not, the person was told. */
static int find_place(session *s, const char *room, const char *name, const char *token)
{
	struct join j = { .chat = s->chat, .room = room, .session = token, .place = &s->place };
	chat_change change;

	int rc = weft_offload(join_job, &j, .pool = s->chat->pool);
	if (rc) return storage_failed(s, rc, &j.call);
	rc = draw_ticket(s->me.ticket);
	if (rc) return rc;
	s->me.room = s->place.room;
	s->me.author = s->place.author;
	snprintf(s->me.name, sizeof s->me.name, "%s", name);
	snprintf(s->topic, sizeof s->topic, "room:%s", room);
	rc = weft_websocket_subscribe(
		s->ws, s->topic, .queue = queue_most, .when_full = WEFT_DROP_OLDEST);
	if (rc) return rc;
	rc = chat_members_join(s->chat->members, &s->me, &change);
	if (rc == WEFT_EEXIST) return refuse_name(s);
	if (rc == WEFT_EFULL) return refuse(s, close_failed, "full", "This room is full");
	if (rc) return rc;
	s->joined = true;
	if (change.replaced) tell_replaced(s);
	if (change.changed) tell_change(s, "joined", &change);
	return 0;
}

static int come_in(weft_websocket *ws)
{
	const weft_request *rq = weft_websocket_request(ws);
	const char *room = weft_websocket_param(ws, "room");
	const char *name = weft_request_query(rq, "name");
	const char *token = weft_request_query(rq, "session");
	int64_t after = number_of(weft_request_query(rq, "after"));

	session *s = weft_websocket_alloc(ws, sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	*s = (session){ .chat = weft_websocket_app(ws), .ws = ws };
	weft_websocket_keep(ws, s);
	if (!chat_room_fine(room))
		return refuse(
			s, close_bad, "bad-room", "A room is named with 1 to 32 of a to z, 0 to 9, - and _.");
	if (!chat_name_fine(name))
		return refuse(s, close_bad, "bad-name", "A name has 1 to 64 bytes, and no line breaks.");
	if (!chat_token_fine(token, 16))
		return refuse(s, close_bad, "bad-session", "The session is missing or malformed.");
	if (after == -2) return refuse(s, close_bad, "bad-after", "`after` is not a message id.");

	int rc = find_place(s, room, name, token);
	if (rc || !s->joined) return rc;
	rc = tell_welcome(s, room);
	if (rc == 0) rc = tell_members(s);
	if (rc == 0) rc = tell_history(s, after, -1);
	return rc;
}

/* Acknowledged and published from the same numbers; only the first time for everybody. */
static int tell_saved(session *s, const struct add *a)
{
	chat_json j = { .text = NULL };
	if (!a->saved.again) {
		chat_json_begin(&j, "message");
		chat_json_i64(&j, "id", a->saved.id);
		chat_json_i64(&j, "prev", a->saved.previous);
		chat_json_i64(&j, "author", s->me.author);
		chat_json_text(&j, "name", s->me.name);
		chat_json_text(&j, "key", a->draft.key);
		chat_json_text(&j, "text", a->draft.text);
		chat_json_i64(&j, "at", a->saved.at_ms);
		tell_all(s, &j);
	}
	chat_json_begin(&j, "ack");
	chat_json_text(&j, "key", a->draft.key);
	chat_json_i64(&j, "id", a->saved.id);
	chat_json_i64(&j, "prev", a->saved.previous);
	chat_json_i64(&j, "at", a->saved.at_ms);
	return tell(s, &j);
}

static int say(session *s, const chat_ask *ask)
{
	struct add a = { .chat = s->chat,
		.draft = { s->place.room, s->place.author, ask->key, s->me.name, ask->text } };
	if (strlen(ask->text) > CHAT_TEXT_MAX)
		return complain(s, "too-long", ask->key, "This is too long to be sent.");
	if (chat_text_empty(ask->text))
		return complain(s, "empty", ask->key, "There is nothing in this message.");

	int rc = weft_offload(add_job, &a, .pool = s->chat->pool);
	if (rc == WEFT_EFULL || rc == -EBUSY) {
		weft_log(WEFT_LOG_WARNING, "not saved yet", weft_log_text("why", a.call.why),
			weft_log_code("error", rc));
		return complain(s, "busy", ask->key, "The server is busy; this was not saved yet.");
	}
	return rc ? storage_failed(s, rc, &a.call) : tell_saved(s, &a);
}

static void tell_mark(session *s, const char *type, const chat_ask *ask)
{
	chat_json j = { .text = NULL };
	chat_json_begin(&j, type);
	chat_json_i64(&j, "author", s->me.author);
	if (ask->kind == CHAT_TYPING)
		chat_json_text(&j, "name", s->me.name);
	else
		chat_json_i64(&j, "id", ask->id);
	tell_all(s, &j);
}

static int answer(session *s, const chat_ask *ask)
{
	chat_json j = { .text = NULL };
	switch (ask->kind) {
	case CHAT_SAY:
		return say(s, ask);
	case CHAT_HISTORY:
		return tell_history(s, ask->after, ask->before);
	case CHAT_MEMBERS:
		return tell_members(s);
	case CHAT_SEEN:
		if (chat_members_see(s->chat->members, &s->me, ask->id)) tell_mark(s, "seen", ask);
		return 0;
	case CHAT_TYPING:
		tell_mark(s, "typing", ask);
		return 0;
	case CHAT_PING:
		chat_json_begin(&j, "pong");
		return tell(s, &j);
	}
	return 0;
}

static int hear(weft_websocket *ws, const weft_message *m)
{
	session *s = weft_websocket_kept(ws);
	const char *why = "text is expected, not bytes";
	size_t size = weft_message_size(m);
	chat_ask ask;

	if (s == NULL || !s->joined) return 0; /* refused; it is closing */
	if (!chat_members_current(s->chat->members, &s->me)) {
		weft_websocket_finish(ws, close_replaced, "replaced");
		return 0;
	}
	char *buffer = malloc(size + 1);
	if (buffer == NULL) return WEFT_ENOMEM;
	int rc = weft_message_binary(m) ? WEFT_EBADJSON
									: chat_ask_read(weft_message_text(m), size, buffer, &ask, &why);
	rc = rc ? refuse(s, close_bad, "bad-message", why) : answer(s, &ask);
	free(buffer);
	return rc;
}

static void leave(weft_websocket *ws)
{
	session *s = weft_websocket_kept(ws);
	chat_change change;
	if (s == NULL || !s->joined) return;
	if (chat_members_leave(s->chat->members, &s->me, &change)) tell_change(s, "left", &change);
}

const weft_websocket_events chat_session = { .open = come_in, .message = hear, .closed = leave };
