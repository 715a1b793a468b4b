/* Delays, planted everywhere: while a Disturbance lives, the threads of the process are stopped by
 * signals again and again, wherever they are, for a moment that is sometimes long. So they meet in
 * orders in which they would never meet by themselves. Under ThreadSanitizer a signal takes effect
 * right before the next atomic operation, which is just where it hurts.
 *
 * Threads that weft starts with all signals blocked are started without that. */
#ifndef WF_TESTS_STRESS_DISTURB_H
#define WF_TESTS_STRESS_DISTURB_H

#include <atomic>
#include <thread>

class Disturbance
{
  public:
	Disturbance();
	~Disturbance();
	Disturbance(const Disturbance &) = delete;

	/* How often somebody was stopped so far. */
	static long count();

  private:
	void run();

	std::atomic<bool> over_{ false };
	std::thread thread_;
};

#endif
