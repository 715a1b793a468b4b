#include "net/transport/place.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "context/alloc.h"
#include "context/list.h"
#include "executor/platform.h"
#include "runtime/run.h"

struct wf_place {
	wf_list among;
	wf_run *run;
	char *text; /* as it was asked for */
	weft_address address;
	int family;
	bool shared;
	unsigned users;
	uint64_t workers[WF_WORKERS_MAX / 64]; /* a bit for each that listens here */
	int fd;     /* the one socket of a local path or a descriptor; -1 for TCP */
	char *path; /* to be removed at the end, if it is still ours */
	dev_t device;
	ino_t node;
};

/* `lock` guards the list and every entry's `users` and `workers`. */
static wf_mutex lock = WF_MUTEX_INIT;
static wf_list places = { &places, &places };

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

/* Accepted sockets inherit what is set here. */
static int open_tcp(const weft_address *address, int *out)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -errno;
	int rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (rc == 0) rc = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (rc == 0 && to->sa_family == AF_INET6) rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static int bind_and_listen(
	int fd, const weft_address *address, const wf_place_options *options, bool first)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	int rc = first ? 0 : set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (rc == 0 && bind(fd, to, size) != 0) rc = -errno;
	if (rc == 0 && first && options->shared) rc = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (rc == 0 && listen(fd, options->backlog) != 0) rc = -errno;
	return rc;
}

static int listen_tcp(
	const weft_address *address, const wf_place_options *options, bool first, int *out)
{
	int fd = -1;
	int rc = open_tcp(address, &fd);
	if (rc != 0) return rc;
	rc = bind_and_listen(fd, address, options, first);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static int note_address(wf_place *place, int fd)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof bound;
	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0) return -errno;
	wf_address_set(&place->address, (struct sockaddr *)&bound, size);
	place->family = bound.ss_family;
	return 0;
}

static bool is_any_six(const weft_address *address)
{
	struct sockaddr_in6 six;
	memcpy(&six, address, sizeof six);
	return six.sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
}

static int make_tcp(
	wf_place *place, const weft_address *address, const wf_place_options *options, int *out)
{
	int fd = -1;
	int rc = listen_tcp(address, options, true, &fd);
	weft_address four;
	if ((rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL) && is_any_six(address)) {
		/* No IPv6 on this machine: every address of it is an IPv4 one. */
		struct sockaddr_in any = { .sin_family = AF_INET,
			.sin_port = htons((uint16_t)weft_address_port(address)) };
		wf_address_set(&four, (struct sockaddr *)&any, sizeof any);
		rc = listen_tcp(&four, options, true, &fd);
	}
	if (rc != 0) return rc;
	rc = note_address(place, fd);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

/* A path is stale when it is a socket that nobody answers at. */
static bool is_stale(const struct sockaddr *to, socklen_t size, const char *path)
{
	struct stat found;
	if (lstat(path, &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return false;
	bool refused = connect(fd, to, size) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int bind_path(int fd, const struct sockaddr *to, socklen_t size, const char *path)
{
	if (bind(fd, to, size) == 0) return 0;
	int error = errno;
	if (error != EADDRINUSE || path == NULL || !is_stale(to, size, path)) return -error;
	unlink(path);
	return bind(fd, to, size) == 0 ? 0 : -errno;
}

static int remember_path(wf_place *place, const char *path)
{
	struct stat made;
	if (lstat(path, &made) != 0) return -errno;
	place->path = wf_strdup(path);
	if (place->path == NULL) return WEFT_ENOMEM;
	place->device = made.st_dev;
	place->node = made.st_ino;
	return 0;
}

/* The mode is set before anybody can connect: that needs listen. */
static int make_unix(
	wf_place *place, const weft_address *address, const wf_place_options *options, int *out)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	struct sockaddr_un local;
	memcpy(&local, address, sizeof local);
	const char *path = local.sun_path[0] ? local.sun_path : NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -errno;
	int rc = bind_path(fd, to, size, path);
	if (rc != 0) goto close_fd;
	if (path != NULL) rc = remember_path(place, path);
	if (rc != 0) goto remove_path;
	if (path != NULL && options->mode != 0 && chmod(path, options->mode) != 0) rc = -errno;
	if (rc == 0 && listen(fd, options->backlog) != 0) rc = -errno;
	if (rc != 0) goto remove_path;
	place->address = *address;
	place->family = AF_UNIX;
	*out = fd;
	return 0;

remove_path:
	if (path != NULL) unlink(path);
close_fd:
	close(fd);
	return rc;
}

static void remove_own_path(const wf_place *place)
{
	struct stat found;
	if (place->path == NULL || lstat(place->path, &found) != 0) return;
	if (found.st_dev == place->device && found.st_ino == place->node) unlink(place->path);
}

/* systemd names its sockets in LISTEN_FDNAMES, from descriptor 3 on. */
static int find_named(const char *name, int *out)
{
	const char *names = getenv("LISTEN_FDNAMES");
	const char *pid = getenv("LISTEN_PID");
	size_t length = strlen(name);
	if (names == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid())) return WEFT_ENOENT;
	for (int fd = 3;; fd++) {
		size_t part = strcspn(names, ":");
		if (part == length && memcmp(names, name, length) == 0) {
			*out = fd;
			return 0;
		}
		if (names[part] == 0) return WEFT_ENOENT;
		names += part + 1;
	}
}

static int find_descriptor(const char *name, int *out)
{
	char *end;
	errno = 0;
	long number = strtol(name, &end, 10);
	if (*name == 0 || *end != 0) return *name ? find_named(name, out) : WEFT_EINVAL;
	if (errno != 0 || number < 0 || number > INT32_MAX) return -EBADF;
	*out = (int)number;
	return 0;
}

/* The descriptor stays open for whoever handed it in, and for the next run. */
static int make_given(wf_place *place, const char *name, int *out)
{
	int given = -1, listening = 0;
	socklen_t size = sizeof listening;
	int rc = find_descriptor(name, &given);
	if (rc != 0) return rc;
	if (getsockopt(given, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) return -errno;
	if (!listening) return WEFT_EINVAL;
	rc = note_address(place, given);
	if (rc != 0) return rc;
	if (place->family != AF_UNIX) set(given, IPPROTO_TCP, TCP_NODELAY, 1);
	int fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) return -errno;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static void free_place(wf_place *place)
{
	if (place->fd >= 0) close(place->fd);
	wf_free(place->path);
	wf_free(place->text);
	wf_free(place);
}

static int make_socket(
	wf_place *place, const weft_address *resolved, const wf_place_options *options, int *fd)
{
	weft_address address;
	const char *text = place->text;
	if (strncmp(text, "fd:", 3) == 0) return make_given(place, text + 3, fd);
	int rc = weft_address_parse(text, &address);
	if (rc == WEFT_ENOENT && resolved != NULL) {
		address = *resolved;
		rc = 0;
	}
	if (rc != 0) return rc;
	socklen_t size;
	if (wf_address_socket(&address, &size)->sa_family == AF_UNIX)
		return make_unix(place, &address, options, fd);
	return make_tcp(place, &address, options, fd);
}

/* A place that others may join and that has one socket keeps a duplicate for them. */
static int keep_duplicate(wf_place *place, int fd)
{
	bool is_tcp = place->family != AF_UNIX && strncmp(place->text, "fd:", 3) != 0;
	if (!place->shared || is_tcp) return 0;
	place->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return place->fd < 0 ? -errno : 0;
}

static int make_place(const char *text, const weft_address *resolved,
	const wf_place_options *options, wf_place **out, int *fd)
{
	wf_place *place = wf_zalloc(sizeof *place);
	if (place == NULL) return WEFT_ENOMEM;
	place->fd = -1;
	place->users = 1;
	place->shared = options->shared;
	place->run = wf_worker_here()->run;
	place->text = wf_strdup(text);
	int made = -1;
	int rc = place->text ? make_socket(place, resolved, options, &made) : WEFT_ENOMEM;
	if (rc == 0) rc = keep_duplicate(place, made);
	if (rc != 0) {
		if (made >= 0) close(made);
		remove_own_path(place);
		free_place(place);
		return rc;
	}
	wf_list_push_back(&places, &place->among);
	*out = place;
	*fd = made;
	return 0;
}

static uint64_t *word_of(wf_place *place, uint64_t *bit)
{
	int index = wf_worker_here()->id - 1;
	*bit = (uint64_t)1 << (index % 64);
	return &place->workers[index / 64];
}

/* By the words it was asked for, or by what became of them. */
static bool is_called(const wf_place *place, const char *text)
{
	char name[WEFT_ADDRESS_TEXT];
	if (strcmp(place->text, text) == 0) return true;
	return weft_address_format(&place->address, name, sizeof name) == 0 && strcmp(name, text) == 0;
}

/* A worker listens once in a place: when it asks again it is for another listener, which must not
 * take the first one's connections. */
static wf_place *find_place(const char *text)
{
	wf_run *run = wf_worker_here()->run;
	wf_list_for_each(node, &places)
	{
		wf_place *place = wf_list_entry(node, wf_place, among);
		uint64_t bit, here = *word_of(place, &bit) & bit;
		if (place->run == run && place->shared && !here && is_called(place, text)) return place;
	}
	return NULL;
}

static int join_place(wf_place *place, const wf_place_options *options, int *fd)
{
	int rc = 0;
	if (place->fd >= 0) {
		*fd = fcntl(place->fd, F_DUPFD_CLOEXEC, 0);
		rc = *fd < 0 ? -errno : 0;
	} else {
		rc = listen_tcp(&place->address, options, false, fd);
	}
	if (rc == 0) place->users++;
	return rc;
}

int wf_place_open(const char *text, const weft_address *resolved, const wf_place_options *options,
	wf_place **out, int *fd)
{
	wf_mutex_lock(&lock);
	wf_place *place = options->shared ? find_place(text) : NULL;
	int rc = 0;
	if (place != NULL) {
		rc = join_place(place, options, fd);
		if (rc == 0) *out = place;
	} else {
		rc = make_place(text, resolved, options, out, fd);
	}
	if (rc == 0) {
		uint64_t bit, *word = word_of(*out, &bit);
		*word |= bit;
	}
	wf_mutex_unlock(&lock);
	return rc;
}

void wf_place_leave(wf_place *place)
{
	wf_mutex_lock(&lock);
	uint64_t bit, *word = word_of(place, &bit);
	*word &= ~bit;
	bool last = --place->users == 0;
	if (last) {
		wf_list_remove(&place->among);
		remove_own_path(place);
		free_place(place);
	}
	wf_mutex_unlock(&lock);
}

const weft_address *wf_place_address(const wf_place *place)
{
	return &place->address;
}

wf_io_kind wf_place_kind(const wf_place *place)
{
	return place->family == AF_UNIX ? WF_IO_UNIX : WF_IO_TCP;
}
