/* The switch for x86-64, System V ABI.
 *
 * A suspended stack looks so, from its saved sp upwards; at the entry point the ABI wants the
 * stack pointer at the call to be a multiple of 16, so the sp of a first frame is too, plus 8:
 *
 *     sp + 0   r15
 *     sp + 8   r14
 *     sp + 16  r13    first frame: the argument
 *     sp + 24  r12    first frame: the function
 *     sp + 32  rbx
 *     sp + 40  rbp    first frame: 0, where a walk along frame pointers ends
 *     sp + 48  rip    first frame: `entry`
 *
 * The way out. A `ret` that goes elsewhere than its call came from is always mispredicted (22 ns
 * against 7.5 for `pop; jmp`), an indirect jump hardly ever. But a jump leaves the predictor one
 * return behind, and then each return of the functions that led here is mispredicted as well. So
 * where both stacks were left by the same call, as tasks are by the worker's, it is a `ret`: that
 * halves what a round trip between two tasks costs. `notrack`, since the place behind a call
 * carries no endbr64. The mxcsr and x87 control words are not saved.
 *
 * Two stacks under one shadow stack cannot work, so the note at the end claims IBT and never
 * SHSTK; the linker then turns shadow stacks off for the program. */
#include "runtime/coro_machine.h"

#ifdef WF_CORO_X86_64

#ifdef __CET__
#define LANDING endbr64
#else
#define LANDING
#endif

	.text

/* void wf_coro_swap(void **save rdi, void *load rsi) */
	.globl	wf_coro_swap
	.hidden	wf_coro_swap
	.type	wf_coro_swap, @function
	.p2align 6
wf_coro_swap:
	.cfi_startproc
	LANDING
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	movq	48(%rsp), %rax
	movq	%rsp, (%rdi)
	/* The frame has the same shape on the other stack, so the CFI holds across this line. */
	movq	%rsi, %rsp
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	cmpq	(%rsp), %rax
	jne	1f
	ret
1:
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	notrack jmp *%rcx
	.cfi_endproc
	.size	wf_coro_swap, . - wf_coro_swap

/* Where a first frame begins. Nobody called it: the return address is undefined, and there every
 * unwinder stops. */
	.type	entry, @function
	.p2align 4
entry:
	.cfi_startproc
	.cfi_undefined %rip
	LANDING
	movq	%r13, %rdi
	callq	*%r12
	ud2
	.cfi_endproc
	.size	entry, . - entry

/* The same for a function that returns the sp to go on with. Its calls have all returned by then,
 * so what the predictor holds is what it held when this stack was switched to: where the one who
 * did that is resumed, a `ret` is right, and so is each of those that follow there. Where the next
 * one is as fresh as this was, it is not. */
	.type	entry_ending, @function
	.p2align 4
entry_ending:
	.cfi_startproc
	.cfi_undefined %rip
	LANDING
	movq	%r13, %rdi
	callq	*%r12
	movq	%rax, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	leaq	entry_ending(%rip), %rcx
	cmpq	(%rsp), %rcx
	je	1f
	ret
1:
	addq	$8, %rsp
	notrack jmp *%rcx
	.cfi_endproc
	.size	entry_ending, . - entry_ending

/* void *wf_coro_prepare(void *stack_low rdi, size_t stack_size rsi, fn rdx, void *arg rcx), and
 * wf_coro_prepare_ending, which takes the same */
	.globl	wf_coro_prepare
	.hidden	wf_coro_prepare
	.type	wf_coro_prepare, @function
	.globl	wf_coro_prepare_ending
	.hidden	wf_coro_prepare_ending
	.type	wf_coro_prepare_ending, @function
	.p2align 4
wf_coro_prepare_ending:
	.cfi_startproc
	LANDING
	leaq	entry_ending(%rip), %r8
	jmp	1f
	.cfi_endproc
	.size	wf_coro_prepare_ending, . - wf_coro_prepare_ending
wf_coro_prepare:
	.cfi_startproc
	LANDING
	leaq	entry(%rip), %r8
1:
	leaq	(%rdi, %rsi), %rax
	andq	$-16, %rax
	subq	$64, %rax
	movq	%rcx, 24(%rax)
	movq	%rdx, 32(%rax)
	movq	$0, 48(%rax)
	movq	%r8, 56(%rax)
	addq	$8, %rax
	ret
	.cfi_endproc
	.size	wf_coro_prepare, . - wf_coro_prepare

/* bool wf_coro_visit_sp(void *sp rdi, fn rsi, void *arg rdx)
 * While fn runs, the CFI describes the suspended frame of the other stack: the unwinder believes
 * that fn was called from there. rbx leads back. */
	.globl	wf_coro_visit_sp
	.hidden	wf_coro_visit_sp
	.type	wf_coro_visit_sp, @function
	.p2align 4
wf_coro_visit_sp:
	.cfi_startproc
	LANDING
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movq	%rsp, %rbx
	.cfi_remember_state
	leaq	-8(%rdi), %rsp
	.cfi_def_cfa %rsp, 64
	.cfi_offset %rbp, -16
	.cfi_offset %rbx, -24
	.cfi_offset %r12, -32
	.cfi_offset %r13, -40
	.cfi_offset %r14, -48
	.cfi_offset %r15, -56
	movq	%rdx, %rdi
	callq	*%rsi
	movq	%rbx, %rsp
	.cfi_restore_state
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	movl	$1, %eax
	ret
	.cfi_endproc
	.size	wf_coro_visit_sp, . - wf_coro_visit_sp

#ifdef __CET__
	.section .note.gnu.property, "a"
	.p2align 3
	.long	4, 16, 5
	.asciz	"GNU"
	.long	0xc0000002, 4, 1, 0
#endif

#endif /* WF_CORO_X86_64 */

	.section .note.GNU-stack, "", @progbits
