/* What every public header needs: visibility, checks, option structs. */
#ifndef WEFT_API_H
#define WEFT_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEFT_BEGIN extern "C" {
#define WEFT_END   }
/* C++ warns about designated initialisers that leave members out, unless the member has a default.
 */
#define WEFT_DEFAULT = {}
namespace weft_detail
{
template <class T> constexpr const T *address(const T &value)
{
	return &value;
}
template <class T, size_t n> constexpr const T *first(const T (&array)[n])
{
	return array;
}
template <class T, size_t n> constexpr size_t count(const T (&)[n])
{
	return n;
}
} // namespace weft_detail
#define WEFT_COUNT(array)       (::weft_detail::count(array))
#define WEFT_OPTIONS(type, ...) (::weft_detail::address(type{ .size = sizeof(type), __VA_ARGS__ }))
#define WEFT_LIST(type, ...)    (::weft_detail::first<type>({ __VA_ARGS__ type{} }))
#else
#define WEFT_BEGIN
#define WEFT_END
#define WEFT_DEFAULT
/* The last fixed argument is followed by an empty one (`F_(__VA_ARGS__, )`), so that the variadic
 * part is never missing, which ISO C11 forbids, and a list can end in a zero element. */
#define WEFT_OPTIONS(type, ...) (&(const type){ .size = sizeof(type), __VA_ARGS__ })
/* Elements of an array; a pointer does not compile. */
#define WEFT_COUNT(array)                                                                          \
	(sizeof(array) / sizeof *(array) +                                                             \
		0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(                                      \
									__typeof__(array), __typeof__(&(array)[0]))]))
#define WEFT_LIST(type, ...) ((const type[]){ __VA_ARGS__{ 0 } })
#endif

/* Follows `size` in every option struct. In C a bare `64` after the fixed arguments would otherwise
 * become the first option, silently; so it becomes an int where a pointer is due. */
#define WEFT_NAMED_ONLY const struct weft_name_your_options *named_only WEFT_DEFAULT

#define WEFT_API __attribute__((visibility("default")))
/* Only on calls whose result nobody remembers. Calls on an object that keeps its first failure
 * (group, reply) and all clean-up go without: a (void) cast does not silence GCC. */
#define WEFT_MUST                __attribute__((warn_unused_result))
#define WEFT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define WEFT_STRING_(x)          #x
#define WEFT_STRING(x)           WEFT_STRING_(x)
#define WEFT_SITE                __FILE__ ":" WEFT_STRING(__LINE__)

/* In option structs zero means "the default". Where a number may also be "none", say so: */
#define WEFT_UNLIMITED (-1)
#endif
