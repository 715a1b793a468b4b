/* A ck_fifo of cells (Michael and Scott's queue, with generations) and a ck_stack of free ones.
 *
 * Who may run beside whom: everybody beside everybody, but init and fini.
 *
 * Linearization points. push: taking a cell off the free stack decides between room and full; the
 * CAS that links the node gives the item its place. pop and withdraw: the exchange of cell->item;
 * whoever gets the item has it, the other finds NULL. The place in the order is only a hint where
 * to look.
 *
 * The order's nodes are lent from cell to cell: a push uses the node of its cell, a pop gives its
 * cell the node that fell out of the fifo. There is one more node than cells, the fifo's stub. A
 * node that is read late may be in use again, but it is always a node, and generations make the
 * late CAS fail.
 *
 * Orders. [A] item and since are stored before the node is linked (the fifo fences); pairs with the
 * pop's loads behind its CAS. [B] since is read without order: a look at it is a statistic. */
#include "executor/queue.h"
#include "context/alloc.h"
#include "executor/sanitizer.h"

#include <weft/error.h>

struct wf_queue_cell {
	void *item; /* NULL: withdrawn, or free */
	int64_t since_ns;
	ck_fifo_mpmc_entry_t *node; /* of who holds the cell: a push or a pop */
	ck_stack_entry_t free;
};

int wf_queue_init(wf_queue *queue, unsigned limit)
{
	queue->limit = limit;
	queue->withdrawn = 0;
	queue->cells = wf_alloc(limit * sizeof(*queue->cells));
	if (queue->cells == NULL) return WEFT_ENOMEM;
	queue->nodes = wf_alloc_aligned(
		_Alignof(ck_fifo_mpmc_entry_t), (limit + (size_t)1) * sizeof(*queue->nodes));
	if (queue->nodes == NULL) {
		wf_free(queue->cells);
		return WEFT_ENOMEM;
	}
	ck_fifo_mpmc_init(&queue->order, &queue->nodes[limit]);
	ck_stack_init(&queue->free);
	queue->free.generation = NULL;
	for (unsigned i = limit; i-- > 0;) {
		queue->cells[i] = (wf_queue_cell){ .node = &queue->nodes[i] };
		ck_stack_push_mpmc(&queue->free, &queue->cells[i].free);
	}
	return 0;
}

void wf_queue_fini(wf_queue *queue)
{
	wf_free(queue->nodes);
	wf_free(queue->cells);
}

/* The next cell in the order, ours now. Its item may be NULL, and may vanish until exchanged. */
static wf_queue_cell *next_cell(wf_queue *queue)
{
	void *value;
	ck_fifo_mpmc_entry_t *fallen;
	if (!ck_fifo_mpmc_dequeue(&queue->order, &value, &fallen)) return NULL;
	wf_queue_cell *cell = value;
	cell->node = fallen;
	return cell;
}

static void free_cell(wf_queue *queue, wf_queue_cell *cell)
{
	ck_stack_push_mpmc(&queue->free, &cell->free);
}

/* Frees the cells of withdrawn items by turning the whole order round once; the others keep their
 * order among themselves. Only when there is no other room: pops that come meanwhile may find
 * less than there is, so the caller must look for sleepers afterwards. */
static void sweep(wf_queue *queue)
{
	for (unsigned i = 0; i < queue->limit; i++) {
		wf_queue_cell *cell = next_cell(queue);
		if (cell == NULL) return;
		if (ck_pr_load_ptr(&cell->item) == NULL) {
			ck_pr_dec_uint(&queue->withdrawn);
			free_cell(queue, cell);
		} else {
			ck_fifo_mpmc_enqueue(&queue->order, cell->node, cell);
		}
	}
}

static wf_queue_cell *take_free(wf_queue *queue)
{
	ck_stack_entry_t *entry = ck_stack_pop_mpmc(&queue->free);
	if (entry == NULL && ck_pr_load_uint(&queue->withdrawn) != 0) {
		sweep(queue);
		entry = ck_stack_pop_mpmc(&queue->free);
	}
	return entry ? wf_container_of(entry, wf_queue_cell, free) : NULL;
}

bool wf_queue_push(wf_queue *queue, void *item, int64_t since_ns, wf_queue_cell **where)
{
	wf_queue_cell *cell = take_free(queue);
	if (cell == NULL) return false;
	*where = cell;
	cell->since_ns = since_ns;
	WF_HANDS_OVER(cell);
	ck_pr_store_ptr(&cell->item, item);
	ck_fifo_mpmc_enqueue(&queue->order, cell->node, cell); /* [A] */
	return true;
}

void *wf_queue_pop(wf_queue *queue)
{
	wf_queue_cell *cell;
	while ((cell = next_cell(queue)) != NULL) {
		void *item = ck_pr_fas_ptr(&cell->item, NULL);
		WF_TAKES_OVER(cell);
		if (item == NULL) ck_pr_dec_uint(&queue->withdrawn);
		free_cell(queue, cell);
		if (item != NULL) return item;
	}
	return NULL;
}

/* The second look at the generation proves that the node was the head while its next was read; a
 * dequeue of the fifo does not look twice and may, rarely, take a recycled node for the end. */
bool wf_queue_empty(const wf_queue *queue)
{
	const ck_fifo_mpmc_t *order = &queue->order;
	char *generation;
	void *next;
	do {
		generation = ck_pr_load_ptr(&order->head.generation);
		ck_pr_fence_load();
		const ck_fifo_mpmc_entry_t *head = ck_pr_load_ptr(&order->head.pointer);
		next = ck_pr_load_ptr(&head->next.pointer);
		ck_pr_fence_load();
	} while (ck_pr_load_ptr(&order->head.generation) != generation);
	return next == NULL;
}

bool wf_queue_withdraw(wf_queue *queue, wf_queue_cell *cell, void *item)
{
	/* Counted first, so that the count is never below the number of empty cells in the order. */
	ck_pr_inc_uint(&queue->withdrawn);
	if (ck_pr_cas_ptr(&cell->item, item, NULL)) return true;
	ck_pr_dec_uint(&queue->withdrawn);
	return false;
}

int64_t wf_queue_oldest_ns(const wf_queue *queue)
{
	int64_t oldest_ns = INT64_MAX;
	for (unsigned i = 0; i < queue->limit; i++) {
		const wf_queue_cell *cell = &queue->cells[i];
		if (ck_pr_load_ptr(&cell->item) == NULL) continue;
		int64_t since_ns = (int64_t)ck_pr_load_64((const uint64_t *)&cell->since_ns); /* [B] */
		if (since_ns < oldest_ns) oldest_ns = since_ns;
	}
	return oldest_ns;
}

void wf_queue_fence(void)
{
	ck_pr_fence_memory();
}
