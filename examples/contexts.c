/* What a call carries: typed keys, a policy that must not be missing, a foreign library that calls
 * back, work that must not carry anything, and log lines that know their request. Needs no run. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/context.h>
#include <weft/error.h>
#include <weft/log.h>
#include <weft/trace.h>

struct user {
	char name[32];
	bool may_delete;
};

static int print_user(const void *value, char *text, size_t size)
{
	return snprintf(text, size, "%s", ((const struct user *)value)->name);
}

WEFT_KEY_STATIC(user, struct user, .unref = free, .flags = WEFT_KEY_REQUIRED | WEFT_KEY_DIAGNOSTIC,
	.print = print_user)

static struct user *find_user(const char *name)
{
	struct user *user = calloc(1, sizeof(*user));
	if (user != NULL) snprintf(user->name, sizeof(user->name), "%s", name);
	return user;
}

static int delete_invoice(int id)
{
	void *who;
	int rc = weft_context_require(&user_key, &who);
	if (rc) return rc;
	if (!((struct user *)who)->may_delete) return WEFT_EACCES;
	weft_log(WEFT_LOG_INFO, "invoice deleted", weft_log_int("id", id));
	return 0;
}

/* A library that knows nothing of contexts, and calls back from a thread of its own. */
struct download {
	void (*done)(void *data);
	void *data;
	pthread_t thread;
};

static void *download_in_a_thread(void *arg)
{
	struct download *download = arg;
	download->done(download->data);
	return NULL;
}

static int downloaded(void *arg)
{
	weft_log(WEFT_LOG_INFO, "download done", weft_log_text("file", arg),
		weft_log_text("user", user_get() ? user_get()->name : NULL));
	return 0;
}

static int fetch(struct download *download, char *file)
{
	weft_bound *bound;
	int rc = weft_context_bind(downloaded, file, &bound);
	if (rc) return rc;
	download->done = weft_bound_call_once;
	download->data = bound;
	rc = -pthread_create(&download->thread, NULL, download_in_a_thread, download);
	if (rc) weft_bound_free(bound);
	return rc;
}

static int refresh(void *arg)
{
	(void)arg;
	weft_log(WEFT_LOG_INFO, "cache refreshed, by nobody in particular");
	return 0;
}

static int refresh_for_everybody(weft_bound **later)
{
	weft_context_scope quiet;
	int rc = weft_context_suppress(&quiet);
	if (rc) return rc;
	rc = weft_context_bind(refresh, NULL, later);
	weft_context_restore(&quiet);
	return rc;
}

static bool show(const weft_key *key, const char *text, void *arg)
{
	(void)arg;
	weft_log(WEFT_LOG_WARNING, "while it failed", weft_log_text(key->name, text));
	return true;
}

static int request(void *arg)
{
	struct download download;
	weft_bound *later;
	char file[] = "invoices.pdf";
	(void)arg;
	int rc = delete_invoice(7);
	weft_log(WEFT_LOG_WARNING, "not deleted", weft_log_code("error", rc));
	weft_context_visit(NULL, show, NULL);
	rc = fetch(&download, file);
	if (rc) return rc;
	pthread_join(download.thread, NULL);
	rc = refresh_for_everybody(&later);
	if (rc == 0) weft_bound_call_once(later);
	return rc;
}

static int serve(const char *traceparent)
{
	weft_context *fresh, *context;
	int rc = weft_trace_start(NULL, &fresh, .traceparent = traceparent);
	if (rc) return rc;
	rc = user_with(fresh, find_user("ada"), &context);
	weft_context_unref(fresh);
	if (rc) return rc;
	rc = weft_context_run(context, request, NULL);
	weft_context_unref(context);
	return rc;
}

int main(void)
{
	int rc = delete_invoice(7);
	if (rc != WEFT_ENOCONTEXT) return EXIT_FAILURE;
	weft_log(WEFT_LOG_INFO, "refused outside a request", weft_log_code("error", rc));
	rc = serve("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	weft_context_counts counts;
	weft_context_stats(&counts);
	return rc == 0 && counts.live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
