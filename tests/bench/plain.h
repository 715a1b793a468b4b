/* What weft's ways between threads are compared with: the same done with nothing but POSIX, a
 * mutex, a condition, an eventfd. Each call does it `times` times. */
#ifndef WF_TESTS_PLAIN_H
#define WF_TESTS_PLAIN_H

enum { PLAIN_BATCH = 1024, PLAIN_THREADS = 2, PLAIN_IN_FLIGHT_MAX = 64 };

/* In and out of a queue under a mutex, in batches, on one thread. */
void plain_post(unsigned times);
/* There and back between two threads that look all the time. */
void plain_trip_busy(unsigned times);
/* The same between two that sleep on an eventfd each. */
void plain_trip_asleep(unsigned times);
/* Jobs of nothing on PLAIN_THREADS threads, `in_flight` at once; starts the threads and ends
 * them. */
void plain_offload(unsigned times, unsigned in_flight);

#endif
