/* What the sanitizers look for beyond their defaults, wherever a test is started from. Their
 * runtimes call these by name; the environment (ASAN_OPTIONS and so on) still comes last. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);

#define SEEN_BY_THE_RUNTIME __attribute__((visibility("default"), no_sanitize("all")))

SEEN_BY_THE_RUNTIME const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=1:strict_string_checks=1";
}

SEEN_BY_THE_RUNTIME const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

SEEN_BY_THE_RUNTIME const char *__tsan_default_options(void)
{
	return "halt_on_error=1:second_deadlock_stack=1";
}
