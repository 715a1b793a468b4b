/* The switch for AArch64, AAPCS64.
 *
 * A suspended stack looks so, from its saved sp upwards (a multiple of 16):
 *
 *     sp + 0    x19 x20      first frame: the function, the argument
 *     sp + 16   x21 … x28
 *     sp + 80   x29 x30      first frame: 0, where a walk along frame pointers ends, and `entry`
 *     sp + 96   d8 … d15     the lower halves, which is all that a call keeps
 *
 * With pointer authentication the saved x30 is signed with the sp behind the frame (sp + 160); a
 * first frame is signed likewise. With branch target identification the way out must be `ret`,
 * which may land anywhere; without it a plain branch spares the return predictor, as on x86-64.
 * The instructions of both are hints that older processors ignore. */
#include "runtime/coro_machine.h"

#ifdef WF_CORO_AARCH64

#define FRAME 160

#if defined(__ARM_FEATURE_PAC_DEFAULT)
#define SIGN   hint #25; .cfi_negate_ra_state         /* paciasp, also a landing */
#define CHECK  hint #29; .cfi_negate_ra_state         /* autiasp */
#define LANDING hint #34                              /* bti c */
#elif defined(__ARM_FEATURE_BTI_DEFAULT)
#define SIGN   hint #34
#define CHECK
#define LANDING hint #34
#else
#define SIGN
#define CHECK
#define LANDING
#endif

	.text

/* void wf_coro_swap(void **save x0, void *load x1) */
	.globl	wf_coro_swap
	.hidden	wf_coro_swap
	.type	wf_coro_swap, %function
	.p2align 6
wf_coro_swap:
	.cfi_startproc
	SIGN
	sub	sp, sp, #FRAME
	.cfi_def_cfa_offset FRAME
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mov	x9, sp
	str	x9, [x0]
	/* The frame has the same shape on the other stack, so the CFI holds across this line. */
	mov	sp, x1
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #FRAME
	.cfi_def_cfa_offset 0
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	CHECK
#ifdef __ARM_FEATURE_BTI_DEFAULT
	ret
#else
	br	x30
#endif
	.cfi_endproc
	.size	wf_coro_swap, . - wf_coro_swap

/* Where a first frame begins. Nobody called it: the return address is undefined, and there every
 * unwinder stops. */
	.type	entry, %function
	.p2align 4
entry:
	.cfi_startproc
	.cfi_undefined x30
	LANDING
	mov	x0, x20
	blr	x19
	brk	#1
	.cfi_endproc
	.size	entry, . - entry

/* void *wf_coro_prepare(void *stack_low x0, size_t stack_size x1, fn x2, void *arg x3) */
	.globl	wf_coro_prepare
	.hidden	wf_coro_prepare
	.type	wf_coro_prepare, %function
	.p2align 4
wf_coro_prepare:
	.cfi_startproc
	LANDING
	add	x16, x0, x1
	and	x16, x16, #~15
	adr	x17, entry
#ifdef __ARM_FEATURE_PAC_DEFAULT
	hint	#8			/* pacia1716: sign x17 with x16 */
#endif
	sub	x0, x16, #FRAME
	stp	x2, x3, [x0, #0]
	stp	xzr, x17, [x0, #80]
	ret
	.cfi_endproc
	.size	wf_coro_prepare, . - wf_coro_prepare

/* bool wf_coro_visit_sp(void *sp x0, fn x1, void *arg x2)
 * While fn runs, the CFI describes the suspended frame of the other stack: the unwinder believes
 * that fn was called from there. x19 leads back. */
	.globl	wf_coro_visit_sp
	.hidden	wf_coro_visit_sp
	.type	wf_coro_visit_sp, %function
	.p2align 4
wf_coro_visit_sp:
	.cfi_startproc
	SIGN
	stp	x19, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x19, -16
	.cfi_offset x30, -8
	mov	x19, sp
	.cfi_remember_state
	mov	sp, x0
	.cfi_def_cfa sp, FRAME
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	mov	x0, x2
	blr	x1
	mov	sp, x19
	.cfi_restore_state
	ldp	x19, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x19
	.cfi_restore x30
	CHECK
	mov	w0, #1
	ret
	.cfi_endproc
	.size	wf_coro_visit_sp, . - wf_coro_visit_sp

#if defined(__ARM_FEATURE_PAC_DEFAULT) || defined(__ARM_FEATURE_BTI_DEFAULT)
	.section .note.gnu.property, "a"
	.p2align 3
	.word	4, 16, 5
	.asciz	"GNU"
	.word	0xc0000000, 4
#if defined(__ARM_FEATURE_PAC_DEFAULT) && defined(__ARM_FEATURE_BTI_DEFAULT)
	.word	3
#elif defined(__ARM_FEATURE_BTI_DEFAULT)
	.word	1
#else
	.word	2
#endif
	.word	0
#endif

#endif /* WF_CORO_AARCH64 */

	.section .note.GNU-stack, "", %progbits
