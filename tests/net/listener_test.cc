#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/net/support.h"

namespace
{

struct Listener : OnBackend {
	void expect_run(Body body, int workers = 1)
	{
		int rc = run(std::move(body), workers);
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
};

ON_EACH_BACKEND(Listener);

TEST_P(Listener, TellsThePortThatTheKernelChose)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		std::string address = weft_listener_address(l);
		EXPECT_EQ(0u, address.find("127.0.0.1:"));
		EXPECT_NE("127.0.0.1:0", address);
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, ListensOnBothKindsOfAddresses)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(":0", &l));
		std::string address = weft_listener_address(l);
		std::string port = address.substr(address.rfind(':'));
		weft_stream *client, *server;
		connect_to("127.0.0.1" + port, &client);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ(0u, std::string(weft_stream_peer(server)).find("127.0.0.1:"));
		weft_stream_close(client);
		weft_stream_close(server);
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, RefusesAPortThatIsTaken)
{
	expect_run([] {
		weft_listener *l, *other;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		EXPECT_EQ(WEFT_EADDRINUSE, weft_listener_open(weft_listener_address(l), &other));
		EXPECT_EQ(WEFT_EADDRINUSE,
			weft_listener_open(weft_listener_address(l), &other, .per_worker = true));
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, NeverSharesAPlaceWithAnotherOfItsWorker)
{
	expect_run([] {
		weft_listener *first, *second, *third;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &first, .per_worker = true));
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &second, .per_worker = true));
		EXPECT_STRNE(weft_listener_address(first), weft_listener_address(second));
		EXPECT_EQ(WEFT_EADDRINUSE,
			weft_listener_open(weft_listener_address(first), &third, .per_worker = true));
		weft_listener_close(first);
		weft_listener_close(second);
		return 0;
	});
}

TEST_P(Listener, RefusesAPortThatAnotherProgramWouldShare)
{
	expect_run([] {
		int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
		struct sockaddr_in to = {};
		to.sin_family = AF_INET;
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof to;
		EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
		EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&to), size));
		EXPECT_EQ(0, listen(fd, 1));
		EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&to), &size));
		std::string address = "127.0.0.1:" + std::to_string(ntohs(to.sin_port));
		weft_listener *l;
		EXPECT_EQ(WEFT_EADDRINUSE, weft_listener_open(address.c_str(), &l, .per_worker = true));
		close(fd);
		return 0;
	});
}

TEST_P(Listener, CanListenAgainWhereItWasClosed)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		std::string address = weft_listener_address(l);
		weft_listener_close(l);
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l));
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, GivesEachWorkerASocketAtTheSamePort)
{
	std::mutex lock;
	std::multiset<std::string> addresses;
	expect_run(
		[&] {
			weft_group *group = weft_group_open();
			for (int worker = 1; worker <= 2; worker++) {
				spawn(
					group,
					[&] {
						weft_listener *l;
						int rc = weft_listener_open("127.0.0.1:0", &l, .per_worker = true);
						EXPECT_EQ(0, rc);
						{
							std::lock_guard<std::mutex> hold(lock);
							addresses.insert(weft_listener_address(l));
						}
						/* Until both are there. */
						for (bool both = false; !both;) {
							EXPECT_EQ(0, weft_sleep_ms(1));
							std::lock_guard<std::mutex> hold(lock);
							both = addresses.size() == 2;
						}
						weft_listener_close(l);
						return 0;
					},
					worker);
			}
			return weft_group_join(group, 0);
		},
		2);
	EXPECT_EQ(2u, addresses.size());
	EXPECT_EQ(*addresses.begin(), *addresses.rbegin());
}

TEST_P(Listener, AcceptsExactlyOne)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		weft_stream *first, *second, *server;
		connect_to(weft_listener_address(l), &first);
		connect_to(weft_listener_address(l), &second);
		EXPECT_EQ(0, write_text(first, "1"));
		EXPECT_EQ(0, write_text(second, "2"));
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ("1", read_n(server, 1));
		weft_listener_stats stats;
		weft_listener_get_stats(l, &stats);
		EXPECT_EQ(1u, stats.accepted);
		weft_stream_close(server);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ("2", read_n(server, 1));
		weft_stream_close(server);
		weft_stream_close(first);
		weft_stream_close(second);
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, LosesNoConnectionToACancel)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		int accepted = 0;
		const int all = 40;
		for (int i = 0; i < all; i++) {
			weft_group *group = weft_group_open();
			spawn(group, [&] {
				weft_stream *s;
				int rc = weft_listener_accept(l, &s);
				if (rc != 0) return rc;
				accepted++;
				weft_stream_close(s);
				return 0;
			});
			if (i % 2) {
				EXPECT_EQ(0, weft_yield());
			}
			weft_stream *client;
			connect_to(weft_listener_address(l), &client);
			if (i % 3) {
				EXPECT_EQ(0, weft_yield());
			}
			weft_group_cancel(group);
			EXPECT_EQ(0, weft_group_join(group, 0));
			weft_stream_close(client);
		}
		while (accepted < all) {
			weft_stream *s;
			EXPECT_EQ(0, weft_listener_accept(l, &s));
			weft_stream_close(s);
			accepted++;
		}
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, RefusesASecondAccepterAndWakesTheFirstWhenClosed)
{
	expect_run([] {
		weft_listener *l;
		weft_stream *s;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(WEFT_ECLOSED, weft_listener_accept(l, &s));
			return 0;
		});
		let_others_run();
		EXPECT_EQ(WEFT_EBUSY, weft_listener_accept(l, &s));
		EXPECT_EQ(WEFT_EBUSY, weft_listener_next(l, &s));
		weft_listener_close(l);
		return weft_group_join(group, 0);
	});
}

TEST_P(Listener, HandsOutItsQueueBeforeItDrains)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		weft_stream *clients[3];
		for (auto &client : clients) connect_to(weft_listener_address(l), &client);
		int got = 0;
		weft_event go = {};
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(0, weft_event_wait(&go));
			weft_stream *s;
			int rc;
			while ((rc = weft_listener_next(l, &s)) > 0) {
				got++;
				weft_stream_close(s);
			}
			return rc;
		});
		spawn(group, [&] {
			EXPECT_EQ(0, weft_drain_wait());
			weft_event_set(&go);
			return 0;
		});
		weft_group_drain(group, 5000);
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ(3, got);
		for (auto client : clients) weft_stream_close(client);
		weft_listener_close(l);
		return 0;
	});
}

struct Served {
	int running = 0, most = 0, done = 0;
};

int serve_one(weft_stream *s)
{
	auto *served = static_cast<Served *>(weft_stream_app(s));
	served->running++;
	served->most = std::max(served->most, served->running);
	char c;
	size_t got;
	int rc = weft_stream_read(s, &c, 1, &got);
	served->running--;
	served->done++;
	return rc > 0 && c == 'f' ? WEFT_EPROTO : rc < 0 ? rc : 0;
}

TEST_P(Listener, ServesEachConnectionInATaskAndIsolatesFailures)
{
	expect_run([] {
		weft_listener *l;
		Served served;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		weft_group *group = weft_group_open();
		spawn(group, [&] { return weft_listener_serve(l, group, serve_one, &served); });
		for (const char *text : { "f", "ok", "f", "ok" }) {
			weft_stream *client;
			connect_to(weft_listener_address(l), &client);
			EXPECT_EQ(0, write_text(client, text));
			EXPECT_EQ("", read_all(client));
			weft_stream_close(client);
		}
		weft_listener_stats stats;
		weft_listener_get_stats(l, &stats);
		EXPECT_EQ(4u, stats.accepted);
		EXPECT_EQ(2u, stats.failed);
		weft_group_drain(group, 5000);
		EXPECT_EQ(0, weft_group_join(group, 0));
		weft_listener_get_stats(l, &stats);
		EXPECT_EQ(0, stats.open);
		EXPECT_EQ(4, served.done);
		weft_listener_close(l);
		return 0;
	});
}

struct Spread {
	std::atomic<int> both{ 0 };
	std::mutex lock;
	std::set<std::thread::id> threads;
};

/* Answers when every connection of the test is being served. */
int wait_for_all(weft_stream *s)
{
	auto *spread = static_cast<Spread *>(weft_stream_app(s));
	{
		std::lock_guard<std::mutex> hold(spread->lock);
		spread->threads.insert(std::this_thread::get_id());
	}
	spread->both++;
	int rc = 0;
	while (rc == 0 && spread->both < 16) rc = weft_sleep_ms(1);
	return rc ? rc : write_text(s, "x");
}

TEST_P(Listener, SpreadsTheConnectionsOfOneSocketOverTheWorkers)
{
	Spread spread;
	expect_run(
		[&] {
			weft_listener *l;
			EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
			weft_group *group = weft_group_open();
			spawn(group, [&] { return weft_listener_serve(l, group, wait_for_all, &spread); });
			weft_stream *clients[16];
			for (auto &client : clients) connect_to(weft_listener_address(l), &client);
			for (auto client : clients) {
				EXPECT_EQ("x", read_all(client));
				weft_stream_close(client);
			}
			weft_group_drain(group, 5000);
			EXPECT_EQ(0, weft_group_join(group, 0));
			weft_listener_stats stats;
			/* The other worker's message may be on its way. */
			do {
				EXPECT_EQ(0, weft_yield());
				weft_listener_get_stats(l, &stats);
			} while (stats.open > 0);
			EXPECT_EQ(0u, stats.failed);
			weft_listener_close(l);
			return 0;
		},
		2);
	EXPECT_EQ(2u, spread.threads.size());
}

TEST_P(Listener, StopsAcceptingAtItsLimitAndGoesOnBelow)
{
	expect_run([] {
		weft_listener *l;
		Served served;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l, .connections = 2));
		weft_group *group = weft_group_open();
		spawn(group, [&] { return weft_listener_serve(l, group, serve_one, &served); });
		weft_stream *clients[6];
		for (auto &client : clients) connect_to(weft_listener_address(l), &client);
		let_others_run();
		EXPECT_EQ(2, served.running);
		for (auto client : clients) EXPECT_EQ(0, write_text(client, "x"));
		for (auto client : clients) {
			EXPECT_EQ("", read_all(client));
			weft_stream_close(client);
		}
		EXPECT_EQ(2, served.most);
		EXPECT_EQ(6, served.done);
		weft_group_drain(group, 5000);
		EXPECT_EQ(0, weft_group_join(group, 0));
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, GivesWhatLingersForWhoComes)
{
	EXPECT_EQ(0, run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		std::vector<weft_stream *> refused(5, nullptr);
		/* Closed with something unread: each lives on until its client ends. */
		for (weft_stream *&client : refused) {
			weft_stream *server;
			connect_to(weft_listener_address(l), &client);
			EXPECT_EQ(0, write_text(client, "unread"));
			EXPECT_EQ(0, weft_listener_accept(l, &server));
			weft_stream_close(server);
		}
		weft_stream *client, *server = nullptr;
		connect_to(weft_listener_address(l), &client);
		struct rlimit before, none;
		getrlimit(RLIMIT_NOFILE, &before);
		none = before;
		none.rlim_cur = static_cast<rlim_t>(next_descriptor());
		EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
		weft_listener_stats stats;
		weft_listener_get_stats(l, &stats);
		EXPECT_EQ(0u, stats.pauses);
		weft_stream_close(server);
		weft_stream_close(client);
		for (weft_stream *each : refused) weft_stream_close(each);
		weft_listener_close(l);
		return 0;
	}));
}

TEST_P(Listener, WaitsOutAShortageOfDescriptorsAndDropsNobody)
{
	expect_run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		weft_stream *client, *server = nullptr;
		connect_to(weft_listener_address(l), &client);
		struct rlimit before, none;
		getrlimit(RLIMIT_NOFILE, &before);
		none = before;
		none.rlim_cur = static_cast<rlim_t>(next_descriptor());
		weft_group *group = weft_group_open();
		EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
		spawn(group, [&] { return weft_listener_accept(l, &server); });
		weft_listener_stats stats = {};
		while (stats.pauses == 0) {
			EXPECT_EQ(0, weft_sleep_ms(1));
			weft_listener_get_stats(l, &stats);
		}
		EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ(0, write_text(client, "x"));
		EXPECT_EQ("x", read_n(server, 1));
		weft_stream_close(client);
		weft_stream_close(server);
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(Listener, UsesNoMoreDescriptorsHoweverManyConnectionsCame)
{
	expect_run([] { return come_and_go(500); });
}

TEST_P(Listener, GivesAReusedDescriptorNoStaleEvent)
{
	bool late = GetParam() == Backend::late;
	expect_run([late] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		for (int i = 0; i < 50; i++) {
			weft_stream *client, *server;
			connect_to(weft_listener_address(l), &client);
			EXPECT_EQ(0, weft_listener_accept(l, &server));
			weft_group *group = weft_group_open();
			spawn(group, [&] {
				char c;
				size_t got;
				int rc = weft_stream_read(server, &c, 1, &got);
				EXPECT_TRUE(rc == WEFT_ECLOSED || (late && rc == 1)) << weft_error_name(rc);
				return 0;
			});
			let_others_run(1);
			/* Bytes and the close come in the same turn; then its number goes to another. */
			EXPECT_EQ(0, write_text(client, "for the old one"));
			weft_stream_abort(server);
			weft_stream *next_client, *next;
			connect_to(weft_listener_address(l), &next_client);
			EXPECT_EQ(0, weft_listener_accept(l, &next));
			weft_scope *scope = weft_scope_open(.timeout_ms = 2);
			char c;
			size_t got;
			int rc = weft_stream_read(next, &c, 1, &got);
			EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
			EXPECT_EQ(0, weft_group_join(group, 0));
			weft_stream_close(client);
			weft_stream_close(next_client);
			weft_stream_close(next);
		}
		weft_listener_close(l);
		return 0;
	});
}

struct LocalPath : Listener {
	std::string path = testing::TempDir() + "weft-" + std::to_string(getpid()) + ".sock";
	std::string address = "unix:" + path;

	void TearDown() override
	{
		unlink(path.c_str());
	}
	bool exists() const
	{
		struct stat found;
		return lstat(path.c_str(), &found) == 0;
	}
};

ON_EACH_BACKEND(LocalPath);

TEST_P(LocalPath, IsThereWhileSomebodyListens)
{
	expect_run([&] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l, .unix_mode = 0600));
		EXPECT_EQ(address, weft_listener_address(l));
		struct stat found;
		EXPECT_EQ(0, lstat(path.c_str(), &found));
		EXPECT_EQ(0600u, found.st_mode & 0777);
		weft_stream *client, *server;
		connect_to(address, &client);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ(address, weft_stream_peer(client));
		EXPECT_STREQ("unix:", weft_stream_peer(server));
		weft_stream_close(client);
		weft_stream_close(server);
		weft_listener_close(l);
		EXPECT_FALSE(exists());
		return 0;
	});
}

TEST_P(LocalPath, IsTakenOverFromADeadServer)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un to = {};
	to.sun_family = AF_UNIX;
	strcpy(to.sun_path, path.c_str());
	ASSERT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&to), sizeof to));
	ASSERT_EQ(0, listen(fd, 1));
	close(fd);
	ASSERT_TRUE(exists());
	expect_run([&] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l));
		weft_listener_close(l);
		return 0;
	});
}

TEST_P(LocalPath, IsLeftToALiveServerAndToAFile)
{
	expect_run([&] {
		weft_listener *l, *other;
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l));
		EXPECT_EQ(WEFT_EADDRINUSE, weft_listener_open(address.c_str(), &other));
		EXPECT_TRUE(exists());
		weft_listener_close(l);
		int fd = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
		EXPECT_EQ(WEFT_EADDRINUSE, weft_listener_open(address.c_str(), &other));
		EXPECT_TRUE(exists());
		close(fd);
		return 0;
	});
}

TEST_P(LocalPath, IsNotRemovedWhenItIsSomebodyElsesByThen)
{
	expect_run([&] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l));
		unlink(path.c_str());
		int fd = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
		weft_listener_close(l);
		EXPECT_TRUE(exists());
		close(fd);
		return 0;
	});
}

TEST_P(Listener, TakesASocketThatWasHandedIn)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, listen(fd, 5));
	std::string address = "fd:" + std::to_string(fd);
	expect_run([&] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(address.c_str(), &l));
		std::string where = weft_listener_address(l);
		weft_stream *client, *server;
		connect_to("127.0.0.1" + where.substr(where.rfind(':')), &client);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		weft_stream_close(client);
		weft_stream_close(server);
		weft_listener_close(l);
		return 0;
	});
	EXPECT_EQ(0, close(fd)) << "it stays open";
}

TEST_P(Listener, FindsASocketByTheNameThatSystemdGaveIt)
{
	expect_run([] {
		weft_listener *l;
		setenv("LISTEN_FDNAMES", "web:admin", 1);
		setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
		EXPECT_EQ(WEFT_ENOENT, weft_listener_open("fd:other", &l));
		setenv("LISTEN_PID", "1", 1);
		EXPECT_EQ(WEFT_ENOENT, weft_listener_open("fd:web", &l));
		unsetenv("LISTEN_FDNAMES");
		unsetenv("LISTEN_PID");
		EXPECT_EQ(WEFT_EINVAL, weft_listener_open("fd:", &l));
		EXPECT_EQ(-EBADF, weft_listener_open("fd:19999", &l));
		int pair[2];
		EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		EXPECT_EQ(WEFT_EINVAL, weft_listener_open(("fd:" + std::to_string(pair[0])).c_str(), &l));
		close(pair[0]);
		close(pair[1]);
		return 0;
	});
}

TEST(ListenerOutside, NeedsARun)
{
	weft_listener *l;
	EXPECT_EQ(WEFT_ENORUN, weft_listener_open("127.0.0.1:0", &l));
	weft_listener_close(nullptr);
}

} // namespace
