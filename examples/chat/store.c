/* The store on SQLite.
 *
 * Locks; queue_lock may be taken inside write_lock, read_lock is taken alone:
 *   write_lock  guards the writer connection and its statements; held during a commit
 *   queue_lock  guards the list of drafts that wait for the next commit; held for a moment
 *   read_lock   guards `reading` and the private part of every call; held for a moment
 *
 * Group commit: a caller puts its draft on the list, then takes write_lock. Whoever gets it first
 * saves the whole list in one transaction and marks each draft; the others find theirs marked.
 * `done`, `rc` and `saved` of a draft are written and read under write_lock only.
 *
 * Interrupting: sqlite3_interrupt stops whatever runs on a connection, so it may only be used while
 * the call that asked is the one that runs there. `running_on` says so, under read_lock; statements
 * are reset before it is cleared, and an interrupt of a connection without statements under way has
 * no effect. */
#include "store.h"
#include "store_file.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum writing {
	begin_write,
	commit_write,
	undo_write,
	make_room,
	find_room,
	make_author,
	find_author,
	find_archive,
	find_last,
	find_message,
	add_message,
	writing_count
};
static const char *const writing_sql[writing_count] = {
	[begin_write] = "BEGIN IMMEDIATE",
	[commit_write] = "COMMIT",
	[undo_write] = "ROLLBACK",
	[make_room] = "INSERT INTO room(name) VALUES(?1) ON CONFLICT DO NOTHING",
	[find_room] = "SELECT id FROM room WHERE name=?1",
	[make_author] = "INSERT INTO author(session) VALUES(?1) ON CONFLICT DO NOTHING",
	[find_author] = "SELECT id FROM author WHERE session=?1",
	[find_archive] = "SELECT id FROM archive",
	[find_last] = "SELECT max(id) FROM message WHERE room=?1 AND id<?2",
	[find_message] = "SELECT id, at_ms FROM message WHERE author=?1 AND room=?2 AND key=?3",
	[add_message] = ("INSERT INTO message(author, room, key, name, text, at_ms)"
					 " VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
};

enum asking { rows_after, rows_before, any_after, any_before, all_rooms, asking_count };
static const char *const asking_sql[asking_count] = {
	[rows_after] = ("SELECT id, author, at_ms, key, name, text FROM message"
					" WHERE room=?1 AND id>?2 ORDER BY id LIMIT ?3"),
	[rows_before] = ("SELECT * FROM (SELECT id, author, at_ms, key, name, text FROM message"
					 " WHERE room=?1 AND id<?2 ORDER BY id DESC LIMIT ?3) ORDER BY id"),
	[any_after] = "SELECT EXISTS(SELECT 1 FROM message WHERE room=?1 AND id>?2)",
	[any_before] = "SELECT EXISTS(SELECT 1 FROM message WHERE room=?1 AND id<?2)",
	[all_rooms] = ("SELECT room.name, room.id, ifnull(last.id, 0), ifnull(last.at_ms, 0) FROM room"
				   " LEFT JOIN message AS last ON last.id ="
				   "  (SELECT max(id) FROM message WHERE message.room = room.id)"
				   " ORDER BY 3 DESC, 1 LIMIT ?1"),
};

typedef struct waiting {
	const chat_draft *draft;
	chat_saved saved;
	int rc; /* of SQLite */
	bool done;
	struct waiting *next;
} waiting;

struct chat_store {
	pthread_mutex_t write_lock, queue_lock, read_lock;
	pthread_cond_t reader_free;
	waiting *first, **last;
	bool reading;
	sqlite3 *writer, *reader;
	sqlite3_stmt *writing[writing_count];
	sqlite3_stmt *asking[asking_count];
};

/* Steps a statement that gives no rows and makes it ready for the next use. */
static int run(sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int prepare(
	sqlite3 *db, chat_call *call, const char *const *sql, sqlite3_stmt **statements, int n)
{
	for (int i = 0; i < n; i++) {
		int rc =
			sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);
		if (rc) return chat_file_fail(call, db, rc, "preparing a statement");
	}
	return 0;
}

int chat_store_open(const char *path, chat_call *call, chat_store **out)
{
	chat_store *s = calloc(1, sizeof *s);
	if (s == NULL) return chat_file_refuse(call, WEFT_ENOMEM, path, "out of memory");
	s->last = &s->first;
	pthread_mutex_init(&s->write_lock, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->read_lock, NULL);
	pthread_cond_init(&s->reader_free, NULL);

	int rc = chat_file_open(path, call, &s->writer, &s->reader);
	if (rc == 0) rc = prepare(s->writer, call, writing_sql, s->writing, writing_count);
	if (rc == 0) rc = prepare(s->reader, call, asking_sql, s->asking, asking_count);
	if (rc)
		chat_store_close(s);
	else
		*out = s;
	return rc;
}

void chat_store_close(chat_store *s)
{
	if (s == NULL) return;
	for (int i = 0; i < asking_count; i++) sqlite3_finalize(s->asking[i]);
	for (int i = 0; i < writing_count; i++) sqlite3_finalize(s->writing[i]);
	sqlite3_close(s->reader);
	sqlite3_close(s->writer);
	pthread_cond_destroy(&s->reader_free);
	pthread_mutex_destroy(&s->read_lock);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->write_lock);
	free(s);
}

/* Ends the transaction that begin_write began: a failure on the way, or of the commit, undoes it.
 */
static int end_write(chat_store *s, int rc)
{
	if (rc == SQLITE_OK) rc = run(s->writing[commit_write]);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(s->writer)) run(s->writing[undo_write]);
	return rc;
}

/* The id behind a name, made if need be. Reads first: nearly always it is there. */
static int find_or_make(
	chat_store *s, enum writing find, enum writing make, const char *name, int64_t *out)
{
	*out = 0;
	sqlite3_bind_text(s->writing[find], 1, name, -1, SQLITE_STATIC);
	int rc = chat_file_run_i64(s->writing[find], out);
	if (rc != SQLITE_OK || *out != 0) return rc;
	sqlite3_bind_text(s->writing[make], 1, name, -1, SQLITE_STATIC);
	rc = run(s->writing[make]);
	return rc == SQLITE_OK ? chat_file_run_i64(s->writing[find], out) : rc;
}

static int read_archive(chat_store *s, chat_place *out)
{
	sqlite3_stmt *statement = s->writing[find_archive];
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		snprintf(out->archive, sizeof out->archive, "%s", sqlite3_column_text(statement, 0));
	sqlite3_reset(statement);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int chat_store_join(
	chat_store *s, chat_call *call, const char *room, const char *session, chat_place *out)
{
	chat_place place = { .room = 0 };
	pthread_mutex_lock(&s->write_lock);
	int rc = read_archive(s, &place);
	if (rc == SQLITE_OK) rc = run(s->writing[begin_write]);
	if (rc == SQLITE_OK) {
		rc = find_or_make(s, find_room, make_room, room, &place.room);
		if (rc == SQLITE_OK) rc = find_or_make(s, find_author, make_author, session, &place.author);
		rc = end_write(s, rc);
	}
	rc = rc == SQLITE_OK ? 0 : chat_file_fail(call, s->writer, rc, "joining the room");
	pthread_mutex_unlock(&s->write_lock);
	if (rc == 0) *out = place;
	return rc;
}

static int64_t wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int find_saved(chat_store *s, const chat_draft *draft, chat_saved *saved)
{
	sqlite3_stmt *find = s->writing[find_message];
	sqlite3_bind_int64(find, 1, draft->author);
	sqlite3_bind_int64(find, 2, draft->room);
	sqlite3_bind_text(find, 3, draft->key, -1, SQLITE_STATIC);
	int rc = sqlite3_step(find);
	if (rc == SQLITE_ROW) {
		saved->id = sqlite3_column_int64(find, 0);
		saved->at_ms = sqlite3_column_int64(find, 1);
		saved->again = true;
	}
	sqlite3_reset(find);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* One message, inside a transaction. */
static int save(chat_store *s, const chat_draft *draft, chat_saved *saved)
{
	sqlite3_stmt *add = s->writing[add_message], *last = s->writing[find_last];
	int rc = find_saved(s, draft, saved);
	if (rc == SQLITE_OK && !saved->again) {
		saved->at_ms = wall_ms();
		sqlite3_bind_int64(add, 1, draft->author);
		sqlite3_bind_int64(add, 2, draft->room);
		sqlite3_bind_text(add, 3, draft->key, -1, SQLITE_STATIC);
		sqlite3_bind_text(add, 4, draft->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(add, 5, draft->text, -1, SQLITE_STATIC);
		sqlite3_bind_int64(add, 6, saved->at_ms);
		rc = run(add);
		saved->id = sqlite3_last_insert_rowid(s->writer);
	}
	if (rc != SQLITE_OK) return rc;
	sqlite3_bind_int64(last, 1, draft->room);
	sqlite3_bind_int64(last, 2, saved->id);
	return chat_file_run_i64(last, &saved->previous);
}

/* Saves a list of drafts in one transaction. A draft that is wrong by itself fails alone; whatever
 * ends the transaction fails all of them. */
static void save_all(chat_store *s, waiting *list)
{
	int rc = run(s->writing[begin_write]);
	for (waiting *w = list; w != NULL && rc == SQLITE_OK; w = w->next) {
		w->rc = save(s, w->draft, &w->saved);
		int kind = w->rc & 0xff;
		if (w->rc != SQLITE_OK && kind != SQLITE_CONSTRAINT && kind != SQLITE_TOOBIG) rc = w->rc;
	}
	if (!sqlite3_get_autocommit(s->writer)) rc = end_write(s, rc);
	for (waiting *w = list; w != NULL; w = w->next) {
		if (rc != SQLITE_OK) w->rc = rc;
		w->done = true;
	}
}

int chat_store_add(chat_store *s, chat_call *call, const chat_draft *draft, chat_saved *out)
{
	waiting mine = { .draft = draft };
	pthread_mutex_lock(&s->queue_lock);
	*s->last = &mine;
	s->last = &mine.next;
	pthread_mutex_unlock(&s->queue_lock);

	pthread_mutex_lock(&s->write_lock);
	if (!mine.done) {
		pthread_mutex_lock(&s->queue_lock);
		waiting *list = s->first;
		s->first = NULL;
		s->last = &s->first;
		pthread_mutex_unlock(&s->queue_lock);
		save_all(s, list);
	}
	int rc =
		mine.rc == SQLITE_OK ? 0 : chat_file_fail(call, s->writer, mine.rc, "saving the message");
	pthread_mutex_unlock(&s->write_lock);
	if (rc == 0) *out = mine.saved;
	return rc;
}

static int take_reader(chat_store *s, chat_call *call)
{
	pthread_mutex_lock(&s->read_lock);
	while (s->reading && !call->interrupted) pthread_cond_wait(&s->reader_free, &s->read_lock);
	bool mine = !call->interrupted;
	if (mine) {
		s->reading = true;
		call->running_on = s->reader;
	}
	pthread_mutex_unlock(&s->read_lock);
	return mine ? 0 : chat_file_refuse(call, WEFT_ECANCELED, "reading", "interrupted");
}

static void give_reader(chat_store *s, chat_call *call)
{
	pthread_mutex_lock(&s->read_lock);
	s->reading = false;
	call->running_on = NULL;
	pthread_cond_signal(&s->reader_free);
	pthread_mutex_unlock(&s->read_lock);
}

void chat_store_interrupt(chat_store *s, chat_call *call)
{
	pthread_mutex_lock(&s->read_lock);
	call->interrupted = true;
	if (call->running_on != NULL) sqlite3_interrupt(call->running_on);
	pthread_cond_broadcast(&s->reader_free);
	pthread_mutex_unlock(&s->read_lock);
}

/* Gives the rows; *edge is the id beyond which `more` has to look. */
static int read_rows(
	chat_store *s, const chat_range *range, chat_row_fn *fn, void *arg, int64_t *edge)
{
	sqlite3_stmt *rows = s->asking[range->before ? rows_before : rows_after];
	int rc;
	bool first = true;
	*edge = range->before ? range->before : range->after;
	sqlite3_bind_int64(rows, 1, range->room);
	sqlite3_bind_int64(rows, 2, *edge);
	sqlite3_bind_int(rows, 3, range->most);
	while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
		chat_row row = { .id = sqlite3_column_int64(rows, 0),
			.author = sqlite3_column_int64(rows, 1),
			.at_ms = sqlite3_column_int64(rows, 2),
			.key = chat_file_text(rows, 3),
			.name = chat_file_text(rows, 4),
			.text = chat_file_text(rows, 5) };
		if (first || !range->before) *edge = row.id;
		first = false;
		fn(arg, &row);
	}
	sqlite3_reset(rows);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int chat_store_read(
	chat_store *s, chat_call *call, const chat_range *range, chat_row_fn *fn, void *arg, bool *more)
{
	int64_t edge, beyond = 0;
	int rc = take_reader(s, call);
	if (rc) return rc;
	rc = read_rows(s, range, fn, arg, &edge);
	if (rc == SQLITE_OK) {
		sqlite3_stmt *any = s->asking[range->before ? any_before : any_after];
		sqlite3_bind_int64(any, 1, range->room);
		sqlite3_bind_int64(any, 2, edge);
		rc = chat_file_run_i64(any, &beyond);
	}
	rc = rc == SQLITE_OK ? 0 : chat_file_fail(call, s->reader, rc, "reading the history");
	give_reader(s, call);
	if (rc == 0) *more = beyond != 0;
	return rc;
}

int chat_store_rooms(chat_store *s, chat_call *call, int most, chat_room_fn *fn, void *arg)
{
	sqlite3_stmt *rooms = s->asking[all_rooms];
	int rc = take_reader(s, call);
	if (rc) return rc;
	sqlite3_bind_int(rooms, 1, most);
	while ((rc = sqlite3_step(rooms)) == SQLITE_ROW) {
		chat_room room = { .name = chat_file_text(rooms, 0),
			.room = sqlite3_column_int64(rooms, 1),
			.last_id = sqlite3_column_int64(rooms, 2),
			.last_at_ms = sqlite3_column_int64(rooms, 3) };
		fn(arg, &room);
	}
	sqlite3_reset(rooms);
	rc = rc == SQLITE_DONE ? 0 : chat_file_fail(call, s->reader, rc, "listing the rooms");
	give_reader(s, call);
	return rc;
}
