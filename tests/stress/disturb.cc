#include "tests/stress/disturb.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <random>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "executor/platform.h"

namespace
{

/* Ignored unless somebody asks for it, and of no use to anybody here. */
constexpr int SIGNAL = SIGURG;

std::atomic<long> stops;

void spin(int rounds)
{
	for (int i = 0; i < rounds; i++) std::atomic_signal_fence(std::memory_order_seq_cst);
}

void nap(long ns)
{
	struct timespec time = { 0, ns };
	nanosleep(&time, nullptr);
}

/* On whatever stack it finds. */
void stop(int)
{
	int saved = errno;
	unsigned n = static_cast<unsigned>(stops.fetch_add(1, std::memory_order_relaxed));
	unsigned mixed = (n * 2654435761u) >> 16;
	if (mixed % 16 == 0)
		nap(100000);
	else if (mixed % 4 == 0)
		sched_yield();
	else
		spin(static_cast<int>(mixed % 16384));
	errno = saved;
}

/* In a call that blocks ThreadSanitizer runs handlers at once, and pthread_join frees memory
 * inside: a handler that comes just then waits for a lock that its own thread holds. */
void join_undisturbed(wf_thread *thread)
{
	sigset_t only, former;
	sigemptyset(&only);
	sigaddset(&only, SIGNAL);
	pthread_sigmask(SIG_BLOCK, &only, &former);
	wf_platform_posix.thread_join(thread);
	pthread_sigmask(SIG_SETMASK, &former, nullptr);
}

/* For the same reason the thread that joins those of the tests themselves is left alone there. */
#if defined(__SANITIZE_THREAD__)
constexpr bool SPARE_THE_FIRST = true;
#elif defined(__has_feature)
constexpr bool SPARE_THE_FIRST = __has_feature(thread_sanitizer);
#else
constexpr bool SPARE_THE_FIRST = false;
#endif

int start_with_signals(wf_thread *thread, unsigned flags)
{
	return wf_platform_posix.thread_start(thread, flags & ~unsigned{ WF_THREAD_NO_SIGNALS });
}

/* By system calls of its own: ThreadSanitizer, which does not see libuv close a descriptor, would
 * take the next use of its number here for a race. */
std::vector<int> other_threads(int self)
{
	struct Entry {
		uint64_t inode;
		int64_t offset;
		uint16_t length;
		uint8_t type;
		char name[];
	};
	std::vector<int> found;
	alignas(Entry) char buffer[4096];
	long n, tasks = syscall(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY);
	while ((n = syscall(SYS_getdents64, tasks, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < n;) {
			auto *entry = reinterpret_cast<Entry *>(buffer + at);
			int id = atoi(entry->name);
			bool spared = SPARE_THE_FIRST && id == getpid();
			if (id > 0 && id != self && !spared) found.push_back(id);
			at += entry->length;
		}
	}
	syscall(SYS_close, tasks);
	return found;
}

wf_platform disturbed;

} // namespace

Disturbance::Disturbance()
{
	struct sigaction action = {};
	action.sa_handler = stop;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	sigaction(SIGNAL, &action, nullptr);
	disturbed = wf_platform_posix;
	disturbed.thread_start = start_with_signals;
	disturbed.thread_join = join_undisturbed;
	wf_platform_set(&disturbed);
	thread_ = std::thread([this] { run(); });
}

Disturbance::~Disturbance()
{
	over_ = true;
	thread_.join();
	wf_platform_set(nullptr);
	signal(SIGNAL, SIG_IGN);
}

long Disturbance::count()
{
	return stops;
}

void Disturbance::run()
{
	std::minstd_rand random(1);
	int self = static_cast<int>(syscall(SYS_gettid));
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* otherwise a nap lasts 50 us longer */
	while (!over_) {
		std::vector<int> others = other_threads(self);
		for (int i = 0; i < 20 && !over_; i++) {
			/* One that has ended meanwhile is no error. */
			if (!others.empty())
				syscall(SYS_tgkill, getpid(), others[random() % others.size()], SIGNAL);
			nap(5000 + random() % 20000);
		}
	}
}
