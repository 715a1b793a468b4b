/* Opening, step by step: recognise what is there before anything is written, switch to a WAL, look
 * for damage, make the schema, and only then open the second connection. */
#include "store_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { schema_version = 1, application_id = 0x77656674, look_over_ms = 250 };

static const char *const schema =
	"CREATE TABLE archive(id TEXT NOT NULL);"
	"INSERT INTO archive VALUES(lower(hex(randomblob(8))));"
	"CREATE TABLE room(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE author(id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE);"
	"CREATE TABLE message("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" room INTEGER NOT NULL REFERENCES room(id),"
	" author INTEGER NOT NULL REFERENCES author(id),"
	" key TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	" UNIQUE(author, room, key));"
	"CREATE INDEX message_in_room ON message(room, id);"
	"PRAGMA application_id=0x77656674;"
	"PRAGMA user_version=1;";

/* What SQLite said, as the errno of the same meaning. */
static int code_of(sqlite3 *db, int rc)
{
	int system = db ? sqlite3_system_errno(db) : 0;
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_CANTOPEN:
		return system > 0 ? -system : -ENOENT;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return WEFT_ENOMEM;
	case SQLITE_INTERRUPT:
		return WEFT_ECANCELED;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_CONSTRAINT:
		return WEFT_EINVAL;
	default:
		return -EIO;
	}
}

static const char *meaning_of(int code)
{
	switch (code) {
	case -EBUSY:
		return "another program holds its lock";
	case -EUCLEAN:
		return "the file is damaged or is no SQLite database";
	case -EROFS:
		return "the file cannot be written";
	case -ENOSPC:
		return "the disk is full";
	case WEFT_ENOMEM:
		return "out of memory";
	case WEFT_ECANCELED:
		return "interrupted";
	case -EMSGSIZE:
		return "too long";
	case WEFT_EINVAL:
		return "no such room or author";
	default:
		return strerror(-code);
	}
}

/* Fills in `why` and gives the code back: "what: meaning (what SQLite says)". */
int chat_file_fail(chat_call *call, sqlite3 *db, int rc, const char *what)
{
	int code = code_of(db, rc);
	snprintf(
		call->why, sizeof call->why, "%s: %s (%s)", what, meaning_of(code), sqlite3_errstr(rc));
	return code;
}

int chat_file_refuse(chat_call *call, int code, const char *what, const char *meaning)
{
	snprintf(call->why, sizeof call->why, "%s: %s", what, meaning);
	return code;
}

/* The first column of the first row; *out stays as it was when there is none. */
int chat_file_run_i64(sqlite3_stmt *statement, int64_t *out)
{
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

const char *chat_file_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	return text ? text : "";
}

static int stop_after(void *arg)
{
	const struct timespec *end = arg;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec > end->tv_nsec);
}

/* Looks for damage for a bounded time: a large file must not hold up the start. What is damaged
 * beyond that is found when it is read. */
static int look_over(sqlite3 *db, chat_call *call, const char *path)
{
	sqlite3_stmt *check;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += look_over_ms * 1000000L;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;

	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (rc) return chat_file_fail(call, db, rc, path);
	sqlite3_progress_handler(db, 1000, stop_after, &end);
	rc = sqlite3_step(check);
	bool damaged = rc == SQLITE_ROW && strcmp(chat_file_text(check, 0), "ok") != 0;
	sqlite3_progress_handler(db, 0, NULL, NULL);
	sqlite3_finalize(check);
	if (damaged) rc = SQLITE_CORRUPT;
	return rc == SQLITE_ROW || rc == SQLITE_INTERRUPT ? 0 : chat_file_fail(call, db, rc, path);
}

static int ask_i64(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK) rc = chat_file_run_i64(statement, out);
	sqlite3_finalize(statement);
	return rc;
}

/* Nothing is changed in a file that is not ours: this comes before the first write. *empty says
 * that it has no content at all. */
static int recognise(sqlite3 *db, chat_call *call, const char *path, bool *empty)
{
	int64_t application = 0, version = 0, tables = 0;
	int rc = ask_i64(db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK) rc = ask_i64(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK) rc = ask_i64(db, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc) return chat_file_fail(call, db, rc, path);
	*empty = application == 0 && version == 0 && tables == 0;
	if (*empty) return 0;
	if (application != application_id)
		return chat_file_refuse(call, -ENOTSUP, path, "the database belongs to another program");
	if (version > schema_version)
		return chat_file_refuse(
			call, -ENOTSUP, path, "the database is of a newer version of this program");
	return 0;
}

/* Two programs may find the same empty file: the second sees, under the lock, that it is made. */
static int make_schema(sqlite3 *db, chat_call *call, const char *path)
{
	int64_t version = 0;
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc) return chat_file_fail(call, db, rc, path);
	rc = ask_i64(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK && version == 0) rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK) return 0;
	int code = chat_file_fail(call, db, rc, path);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

static int use_wal(sqlite3 *db, chat_call *call, const char *path)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &statement, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(statement);
	bool wal = rc == SQLITE_ROW && strcmp(chat_file_text(statement, 0), "wal") == 0;
	sqlite3_finalize(statement);
	if (rc != SQLITE_ROW) return chat_file_fail(call, db, rc, path);
	if (!wal)
		return chat_file_refuse(call, -ENOTSUP, path, "a write-ahead log cannot be kept there");
	return 0;
}

/* SQLite tries twice, the second time for reading only, and keeps the second errno; open(2) tells
 * the one that matters. */
static int why_not(chat_call *call, sqlite3 *db, int rc, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) return chat_file_refuse(call, -errno, path, strerror(errno));
	close(fd);
	return chat_file_fail(call, db, rc, path);
}

static int open_writer(const char *path, chat_call *call, sqlite3 **writer)
{
	bool empty = false;
	int rc = sqlite3_open_v2(path, writer,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		NULL);
	if (rc) return why_not(call, *writer, rc, path);
	sqlite3_busy_timeout(*writer, CHAT_STORE_BUSY_MS);
	rc = recognise(*writer, call, path, &empty);
	if (rc) return rc;
	if (sqlite3_db_readonly(*writer, "main"))
		return chat_file_refuse(call, -EROFS, path, "the file cannot be written");
	rc = use_wal(*writer, call, path);
	if (rc == 0) rc = look_over(*writer, call, path);
	if (rc == 0 && empty) rc = make_schema(*writer, call, path);
	if (rc) return rc;
	rc = sqlite3_exec(*writer, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", NULL, NULL, NULL);
	return rc ? chat_file_fail(call, *writer, rc, path) : 0;
}

static int open_reader(const char *path, chat_call *call, sqlite3 **reader)
{
	int rc = sqlite3_open_v2(
		path, reader, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(*reader, CHAT_STORE_BUSY_MS);
	if (rc == SQLITE_OK) rc = sqlite3_exec(*reader, "PRAGMA query_only=ON", NULL, NULL, NULL);
	return rc ? chat_file_fail(call, *reader, rc, path) : 0;
}

int chat_file_open(const char *path, chat_call *call, sqlite3 **writer, sqlite3 **reader)
{
	int rc = open_writer(path, call, writer);
	return rc ? rc : open_reader(path, call, reader);
}
