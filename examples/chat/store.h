/* What the chat remembers: rooms, authors and messages in one SQLite file.
 *
 * Every function blocks the calling thread and belongs in a pool job. The store has two
 * connections. The writer saves; callers that arrive while it is busy are saved together in one
 * transaction (group commit), so that ten people talking cost one flush of the disk and not ten.
 * The reader answers questions about the past and is never held up by a writer (WAL).
 *
 * A message that chat_store_add reported as saved survives kill -9, and a power cut as far as the
 * disk keeps the promises of fsync (synchronous=FULL).
 *
 * Errors are negative errno values; `why` in the call says the same for a person:
 *   -EBUSY          another program held the lock for longer than the busy time
 *   -EUCLEAN        the file is damaged
 *   -ENOTSUP        the file is of a newer version, is another program's, or cannot keep a WAL
 *   -ENOENT -EACCES -EISDIR -EROFS   the path, as open(2) sees it
 *   -ENOSPC -EIO -EMSGSIZE           as write(2) sees it
 *   WEFT_EINVAL     no such room or author
 *   WEFT_ECANCELED  chat_store_interrupt came first
 *   WEFT_ENOMEM     out of memory */
#ifndef CHAT_STORE_H
#define CHAT_STORE_H

#include <weft/error.h>

WEFT_BEGIN

typedef struct chat_store chat_store;

/* How long a write or the opening waits for another program's lock. */
enum { CHAT_STORE_BUSY_MS = 2000 };

/* One call to the store: start it zeroed and use it once. It lives until the call has returned. */
typedef struct chat_call {
	char why[192]; /* after a failure: what went wrong, one line without a newline */
	struct sqlite3 *running_on;
	bool interrupted;
} chat_call;

/* Where somebody is, by the numbers the store gave. `archive` names this file for good: when it
 * differs from the one a client knows, the message ids it knows mean nothing any more. */
typedef struct chat_place {
	int64_t room, author;
	char archive[17];
} chat_place;

/* A message to save. (room, author, key) names it: saving it again finds the first one. */
typedef struct chat_draft {
	int64_t room, author;
	const char *key, *name, *text;
} chat_draft;

/* `previous` is the id of the message before it in its room, 0 for the first: a reader that knows
 * it has missed nothing. Ids rise in the order of commits and are never given twice. */
typedef struct chat_saved {
	int64_t id, previous, at_ms;
	bool again; /* it was there already */
} chat_saved;

/* Strings live until the callback returns. */
typedef struct chat_row {
	int64_t id, author, at_ms;
	const char *key, *name, *text;
} chat_row;
typedef void chat_row_fn(void *arg, const chat_row *row);

/* Either those after an id, or, with `before` set, the last ones before it. */
typedef struct chat_range {
	int64_t room, after, before;
	int most;
} chat_range;
#define CHAT_LATEST INT64_MAX

typedef struct chat_room {
	const char *name;
	int64_t room;                /* its number */
	int64_t last_id, last_at_ms; /* 0 while it is empty */
} chat_room;
typedef void chat_room_fn(void *arg, const chat_room *room);

/* Opens `path`, makes it when it is not there, and looks it over for damage for at most a quarter
 * of a second. The caller owns *out. Thread: any. Blocks the thread. */
WEFT_MUST int chat_store_open(const char *path, chat_call *call, chat_store **out);
/* No call may be running or come later. Accepts NULL. Blocks the thread. */
void chat_store_close(chat_store *store);

/* Finds the room and the author behind the secret session, or makes them. Thread: any. Blocks the
 * thread; cannot be interrupted. */
WEFT_MUST int chat_store_join(
	chat_store *store, chat_call *call, const char *room, const char *session, chat_place *out);
/* When it returns 0 the message is on disk. Thread: any. Blocks the thread; cannot be interrupted,
 * so that nobody is left wondering whether it was saved. */
WEFT_MUST int chat_store_add(
	chat_store *store, chat_call *call, const chat_draft *draft, chat_saved *out);
/* Rows in rising order of id; *more says whether the range holds others beyond `most`. After a
 * failure some rows may have been given. Thread: any. Blocks the thread; can be interrupted. */
WEFT_MUST int chat_store_read(chat_store *store, chat_call *call, const chat_range *range,
	chat_row_fn *fn, void *arg, bool *more);
/* At most `most` rooms, those that spoke last first. Thread: any. Blocks the thread; can be
 * interrupted. */
WEFT_MUST int chat_store_rooms(
	chat_store *store, chat_call *call, int most, chat_room_fn *fn, void *arg);

/* Makes a call that is waiting for the reader or reading return WEFT_ECANCELED soon. The call must
 * not have been given up yet; that it has ended already is fine. Thread: any. */
void chat_store_interrupt(chat_store *store, chat_call *call);

WEFT_END
#endif
