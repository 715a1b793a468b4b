/* GET /users/7 and POST /users {"id": 7}: a lookup in SQLite, bounded in time.
 *
 * SQLite blocks, so the query runs in a pool, each job with a connection of its own from a small
 * stock. The route's deadline interrupts a query that takes too long, and the client gets 504
 * while the loop never waited.
 *
 *     users [--listen ADDRESS] [--data FILE] [--slow]
 *
 * The file is made, with a thousand users, when it is not there. --slow makes every query count to
 * a few thousand millions first: try it to see a deadline at work. */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

enum { connections = 4, timeout_ms = 250, name_max = 64 };

static const char *const schema =
	"CREATE TABLE IF NOT EXISTS user(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	" INSERT OR IGNORE INTO user SELECT i, printf('user %d', i) FROM n";
static const char *const quick = "SELECT name FROM user WHERE id = ?1";
static const char *const slow =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000)"
	" SELECT name, (SELECT count(*) FROM n) FROM user WHERE id = ?1";

struct connection {
	sqlite3 *db;
	sqlite3_stmt *find;
	bool taken;
};

/* The pool has as many threads as there are connections, so a job always finds a free one. */
struct users {
	const char *listen;
	pthread_mutex_t lock; /* guards `taken` and the private part of queries */
	struct connection stock[connections];
	weft_pool *pool;
};

struct query {
	struct users *users;
	int64_t id;
	char name[name_max];
	struct connection *on;
	bool stopped;
};

static struct connection *take(struct query *q)
{
	struct users *u = q->users;
	pthread_mutex_lock(&u->lock);
	for (int i = 0; i < connections && !q->stopped && q->on == NULL; i++)
		if (!u->stock[i].taken) q->on = &u->stock[i];
	if (q->on != NULL) q->on->taken = true;
	pthread_mutex_unlock(&u->lock);
	return q->on;
}

static void give(struct query *q)
{
	pthread_mutex_lock(&q->users->lock);
	q->on->taken = false;
	q->on = NULL;
	pthread_mutex_unlock(&q->users->lock);
}

/* In a pool thread. */
static int lookup(void *arg)
{
	struct query *q = arg;
	struct connection *c = take(q);
	if (c == NULL) return WEFT_ECANCELED;
	sqlite3_bind_int64(c->find, 1, q->id);
	int rc = sqlite3_step(c->find);
	if (rc == SQLITE_ROW) snprintf(q->name, sizeof q->name, "%s", sqlite3_column_text(c->find, 0));
	sqlite3_reset(c->find);
	give(q);
	switch (rc) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return WEFT_ENOENT;
	case SQLITE_INTERRUPT:
		return WEFT_ECANCELED;
	default:
		weft_log(WEFT_LOG_ERROR, "lookup failed", weft_log_text("why", sqlite3_errstr(rc)));
		return -EIO;
	}
}

/* On any thread, while the job waits or runs: stops this query and no other. */
static void interrupt(void *arg)
{
	struct query *q = arg;
	pthread_mutex_lock(&q->users->lock);
	q->stopped = true;
	if (q->on != NULL) sqlite3_interrupt(q->on->db);
	pthread_mutex_unlock(&q->users->lock);
}

static int reply(weft_request *rq, struct query *q)
{
	int rc = weft_offload(lookup, q, .pool = q->users->pool, .on_cancel = interrupt);
	if (rc == WEFT_ENOENT) return weft_reply_problem(rq, 404, "no user %" PRId64, q->id);
	return rc ? rc : weft_reply_json(rq, 200, weft_i64("id", q->id), weft_text("name", q->name));
}

static int get_user(weft_request *rq)
{
	struct query q = { .users = weft_request_app(rq) };
	if (weft_request_param_i64(rq, "id", &q.id)) return 400;
	return reply(rq, &q);
}

static int post_user(weft_request *rq)
{
	struct query q = { .users = weft_request_app(rq) };
	const weft_json *body;

	int rc = weft_request_json(rq, &body);
	if (rc == 0) rc = weft_json_i64(body, "id", &q.id);
	return rc ? rc : reply(rq, &q);
}

static const weft_route routes[] = {
	WEFT_GET("/users/{id}", get_user, .timeout_ms = timeout_ms),
	WEFT_POST("/users", post_user, .timeout_ms = timeout_ms, .max_body = 4096),
};

static void listening(void *app, const char *address)
{
	(void)app;
	printf("listening on http://%s\n", address);
	fflush(stdout);
}

static int serve(void *arg)
{
	struct users *u = arg;
	return weft_http_serve(routes, .listen = u->listen, .app = u, .listening = listening);
}

static int open_connection(struct connection *c, const char *path, const char *sql)
{
	int rc = sqlite3_open_v2(
		path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(c->db, 1000);
	if (rc == SQLITE_OK) rc = sqlite3_exec(c->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(c->db, sql, -1, &c->find, NULL);
	return rc;
}

static int run(struct users *u, const char *path, const char *sql)
{
	int rc = SQLITE_OK;
	for (int i = 0; i < connections && rc == SQLITE_OK; i++)
		rc = open_connection(&u->stock[i], path, sql);
	if (rc != SQLITE_OK) {
		fprintf(stderr, "users: cannot open %s: %s\n", path, sqlite3_errstr(rc));
	} else {
		rc = weft_pool_new(&u->pool, .name = "sqlite", .threads = connections, .queue = 256);
		if (rc == 0) rc = weft_run(serve, u);
		weft_pool_free(u->pool); /* before the connections that its jobs use */
		if (rc) fprintf(stderr, "users: cannot serve on %s: %s\n", u->listen, weft_error_text(rc));
	}
	for (int i = 0; i < connections; i++) {
		sqlite3_finalize(u->stock[i].find);
		sqlite3_close(u->stock[i].db);
	}
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct users u = { .listen = "127.0.0.1:8080", .lock = PTHREAD_MUTEX_INITIALIZER };
	const char *path = "users.db", *sql = quick;

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;
		if (strcmp(argv[i], "--listen") == 0) value = &u.listen;
		if (strcmp(argv[i], "--data") == 0) value = &path;
		if (strcmp(argv[i], "--slow") == 0) {
			sql = slow;
		} else if (value == NULL || i + 1 == argc) {
			fprintf(stderr, "usage: users [--listen ADDRESS] [--data FILE] [--slow]\n");
			return 1;
		} else {
			*value = argv[++i];
		}
	}
	return run(&u, path, sql);
}
