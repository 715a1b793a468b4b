/* What the kernel says about this process, and whether its answers mean anything. */
#ifndef WF_TESTS_MEASURE_H
#define WF_TESTS_MEASURE_H

#include <fstream>
#include <string>

#include <unistd.h>

/* Sanitizers keep memory of their own. GCC says so by a macro, Clang by a feature. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WF_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WF_TEST_SANITIZED 1
#endif
#endif
#ifndef WF_TEST_SANITIZED
#define WF_TEST_SANITIZED 0
#endif

inline constexpr bool SANITIZED = WF_TEST_SANITIZED;

inline long resident_bytes()
{
	long size = 0, resident = 0;
	std::ifstream("/proc/self/statm") >> size >> resident;
	return resident * sysconf(_SC_PAGESIZE);
}

inline long mappings()
{
	std::ifstream maps("/proc/self/maps");
	std::string line;
	long n = 0;
	while (std::getline(maps, line)) n++;
	return n;
}

#endif
