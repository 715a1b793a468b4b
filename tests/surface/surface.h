/* Each public function, called in every place there is: in a task, in one whose scope is cancelled,
 * with no memory, in a callback on the worker's loop, and on a thread that is not the run's. It
 * answers as its header says, and leaves behind no task, timer, post, descriptor or handle.
 *
 * An entry makes what its call needs, and then has the call judged: see Stage. A function without
 * an entry fails the test. */
#ifndef WF_TESTS_SURFACE_H
#define WF_TESTS_SURFACE_H

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <weft/weft.h>

/* What the header says about the place: see <weft/weft.h>. */
enum class Place {
	any,      /* works everywhere */
	worker,   /* ENORUN on a foreign thread; works in a callback */
	task,     /* ENORUN there, ENOTASK in a callback */
	suspends, /* and ECANCELED in a cancelled scope */
	shielded, /* suspends, but goes on when it is cancelled */
	owner,    /* of an object that belongs to this worker: there is no defined error elsewhere */
};

/* Where a function gives nothing instead of an error: NULL, 0 or false. Elsewhere it gives 0. */
enum { NOTHING = -100000 };

/* What a call that begins something adds. */
struct Change {
	int tasks = 0, timers = 0, descriptors = 0, handles = 0;
};

class Stage
{
  public:
	using Call = std::function<int()>;

	/* The call can be made any number of times, and undoes what it did, if it opened something. */
	void check(Place place, const Call &call);
	/* In the task only: for what can be done once. */
	void check_once(const Call &call);
	/* The same for what goes on after the return, and says so. */
	void check_begins(const Change &change, const Call &call);

	std::string name;
	bool called = false;
	/* False where running out of memory ends what the call is made on. */
	bool survives_without_memory = true;

  private:
	void in_a_cancelled_scope(const Call &call);
	void without_memory(const Call &call);
	void on_a_thread(Place place, const Call &call);
	void on_the_loop(Place place, const Call &call);
};

struct Entry {
	const char *name;
	std::function<void(Stage &)> play;
};

using Entries = std::vector<Entry>;

/* The run drains, and everything that begins with that has begun. */
inline void drain_first()
{
	EXPECT_EQ(0, weft_drain());
	EXPECT_EQ(0, weft_drain_wait());
	EXPECT_EQ(0, weft_sleep_ms(1));
}

/* By where the functions come from. */
Entries context_entries();
Entries executor_entries();
Entries runtime_entries();
Entries transport_entries();
Entries http_entries();
Entries websocket_entries();

inline Entries all_entries()
{
	Entries all;
	for (auto part : { context_entries, executor_entries, runtime_entries, transport_entries,
			 http_entries, websocket_entries })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}

#endif
