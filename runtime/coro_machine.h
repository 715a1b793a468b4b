/* Which switch this build has. Only preprocessor text, since the assembly files read it too.
 * WF_CORO_PORTABLE (-DWEFT_SWITCH=portable) chooses ucontext where assembly exists as well. */
#ifndef WF_RUNTIME_CORO_MACHINE_H
#define WF_RUNTIME_CORO_MACHINE_H

#if !defined(WF_CORO_PORTABLE) && defined(__ELF__) && defined(__x86_64__) && defined(__LP64__)
#define WF_CORO_X86_64 1
#elif !defined(WF_CORO_PORTABLE) && defined(__ELF__) && defined(__aarch64__) &&                    \
	defined(__LP64__) && !defined(__AARCH64EB__)
#define WF_CORO_AARCH64 1
#else
#define WF_CORO_UCONTEXT 1
#endif

#endif
