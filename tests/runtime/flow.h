/* Requests that go everywhere, and whether a line of their log was ever another's. */
#ifndef WF_TESTS_RUNTIME_FLOW_H
#define WF_TESTS_RUNTIME_FLOW_H

enum { LINES_OF_A_REQUEST = 18 };

/* At least `count` lines, from two workers and the pool. */
void expect_no_line_to_be_somebody_elses(long count);

#endif
