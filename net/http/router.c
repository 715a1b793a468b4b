/* A tree of segments. Each node has an edge for every text that may come next, sorted by hash so
 * that they can be halved, one for a parameter, and two ends: for paths that stop there and for
 * `{name...}`. An end holds the routes of that path, one for each method.
 *
 * A search goes down in order of precedence and comes back where the rest does not fit or no route
 * has the method. Different choices reach different nodes, so no search visits a node twice, and
 * its depth is that of the longest pattern, whatever the path.
 *
 * Life: nodes and routes are owned by the tree; an add that fails may leave nodes without routes,
 * which match nothing. */
#include "net/http/router.h"
#include "net/http/http_scan.h"
#include "net/http/route_pattern.h"
#include "net/http/uri.h"

#include "context/alloc.h"

#include <stdio.h>
#include <weft/error.h>

enum {
	METHOD_ANY = 0,                     /* the place of WF_METHOD_OTHER, which no route has */
	METHOD_OWN = WF_METHOD_PATCH + 1,   /* the first that is not a standard one */
	METHOD_UNKNOWN = WF_ROUTER_METHODS, /* of a request: no route has it but those for any */
};

typedef struct tree_route {
	struct tree_route *next; /* for the same paths with another method */
	const void *value;
	char *pattern; /* as it was added */
	char *memory;  /* what the names point into */
	uint32_t method;
	uint32_t name_count;
	const char *names[WF_ROUTER_PARAMETERS];
} tree_route;

typedef struct tree_node tree_node;
typedef struct tree_edge {
	uint32_t hash, size;
	char *text;
	tree_node *to;
} tree_edge;

struct tree_node {
	tree_edge *edges; /* by hash */
	size_t edge_count;
	tree_node *parameter;
	tree_route *here, *rest;
};

struct wf_router {
	tree_node root;
	char *own_methods[WF_ROUTER_METHODS]; /* names from METHOD_OWN on */
	uint32_t method_end;
	uint64_t methods;
};

wf_router *wf_router_new(void)
{
	wf_router *router = wf_zalloc(sizeof *router);
	if (router != NULL) router->method_end = METHOD_OWN;
	return router;
}

static void free_route(tree_route *route)
{
	if (route == NULL) return;
	wf_free(route->pattern);
	wf_free(route->memory);
	wf_free(route);
}

static void free_routes(tree_route *each)
{
	while (each != NULL) {
		tree_route *next = each->next;
		free_route(each);
		each = next;
	}
}

/* Depth is at most WF_ROUTER_SEGMENTS. */
static void fini_node(tree_node *node)
{
	for (size_t i = 0; i < node->edge_count; i++) {
		fini_node(node->edges[i].to);
		wf_free(node->edges[i].to);
		wf_free(node->edges[i].text);
	}
	wf_free(node->edges);
	if (node->parameter != NULL) fini_node(node->parameter);
	wf_free(node->parameter);
	free_routes(node->here);
	free_routes(node->rest);
}

void wf_router_free(wf_router *router)
{
	if (router == NULL) return;
	fini_node(&router->root);
	for (uint32_t i = METHOD_OWN; i < router->method_end; i++) wf_free(router->own_methods[i]);
	wf_free(router);
}

/* Steps over a segment, up to the next slash or `end`, and hashes it (FNV-1a). Nobody outside
 * chooses the texts of edges, so equal hashes are rare and merely cost a comparison. */
static inline const char *hash_segment(const char *at, const char *end, uint32_t *hash)
{
	uint32_t sum = 2166136261u;
	for (; at < end && *at != '/'; at++) sum = (sum ^ (unsigned char)*at) * 16777619u;
	*hash = sum;
	return at;
}

/* The first edge of that hash or a higher one. */
static inline size_t find_hash(const tree_node *node, uint32_t hash)
{
	size_t low = 0, high = node->edge_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (node->edges[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline tree_node *find_edge(
	const tree_node *node, uint32_t hash, const char *text, size_t size)
{
	if (node->edge_count == 0) return NULL;
	const tree_edge *edge = node->edges + find_hash(node, hash),
					*end = node->edges + node->edge_count;
	for (; edge < end && edge->hash == hash; edge++)
		if (edge->size == size && memcmp(edge->text, text, size) == 0) return edge->to;
	return NULL;
}

static uint32_t find_method(
	const wf_router *router, wf_http_method id, const char *name, size_t size)
{
	if (wf_likely(id != WF_METHOD_OTHER)) return id;
	for (uint32_t i = METHOD_OWN; i < router->method_end; i++) {
		const char *own = router->own_methods[i];
		if (strlen(own) == size && memcmp(own, name, size) == 0) return i;
	}
	return METHOD_UNKNOWN;
}

/* The number of a route's method; a new name is given one. */
static int learn_method(wf_router *router, const char *name, uint32_t *method)
{
	*method = METHOD_ANY;
	if (name == NULL || strcmp(name, "*") == 0) return 0;
	size_t size = strlen(name);
	if (size == 0 || size > WF_HTTP_METHOD_BYTES) return WEFT_EINVAL;
	if (wf_scan_token(name, name + size, name) != name + size) return WEFT_EINVAL;
	*method = find_method(router, wf_http_method_of(name, size), name, size);
	if (*method != METHOD_UNKNOWN) return 0;
	if (router->method_end == WF_ROUTER_METHODS) return WEFT_EFULL;
	char *own = wf_strdup(name);
	if (own == NULL) return WEFT_ENOMEM;
	*method = router->method_end++;
	router->own_methods[*method] = own;
	return 0;
}

/* The node behind the edge, which is made if need be; NULL when out of memory. */
static tree_node *follow_text(tree_node *from, const wf_route_segment *segment)
{
	uint32_t hash, size = (uint32_t)segment->size;
	hash_segment(segment->text, segment->text + size, &hash);
	tree_node *to = find_edge(from, hash, segment->text, size);
	if (to != NULL) return to;
	size_t place = find_hash(from, hash);
	tree_edge *edges = wf_realloc(from->edges, (from->edge_count + 1) * sizeof *edges);
	if (edges == NULL) return NULL;
	from->edges = edges;
	tree_edge added = { hash, size, wf_alloc(segment->size + 1), wf_zalloc(sizeof(tree_node)) };
	if (added.text == NULL || added.to == NULL) {
		wf_free(added.text);
		wf_free(added.to);
		return NULL;
	}
	memcpy(added.text, segment->text, segment->size);
	memmove(&edges[place + 1], &edges[place], (from->edge_count - place) * sizeof *edges);
	edges[place] = added;
	from->edge_count++;
	return added.to;
}

/* The list of routes that the pattern leads to; NULL when out of memory. */
static tree_route **follow_pattern(wf_router *router, const wf_route_pattern *pattern)
{
	tree_node *at = &router->root;
	for (uint32_t i = 0; i < pattern->segment_count; i++) {
		const wf_route_segment *segment = &pattern->segments[i];
		if (segment->kind == WF_SEGMENT_REST) return &at->rest;
		if (segment->kind == WF_SEGMENT_TEXT) {
			at = follow_text(at, segment);
		} else {
			if (at->parameter == NULL) at->parameter = wf_zalloc(sizeof(tree_node));
			at = at->parameter;
		}
		if (at == NULL) return NULL;
	}
	return &at->here;
}

/* Takes over pattern->memory on success. */
static tree_route *new_route(
	const char *text, const wf_route_pattern *pattern, uint32_t method, const void *value)
{
	tree_route *route = wf_zalloc(sizeof *route);
	if (route == NULL) return NULL;
	route->pattern = wf_strdup(text);
	if (route->pattern == NULL) {
		free_route(route);
		return NULL;
	}
	route->value = value;
	route->method = method;
	route->memory = pattern->memory;
	for (uint32_t i = 0; i < pattern->segment_count; i++)
		if (pattern->segments[i].kind != WF_SEGMENT_TEXT)
			route->names[route->name_count++] = pattern->segments[i].text;
	return route;
}

static const tree_route *find_route(const tree_route *each, uint32_t method)
{
	while (each != NULL && each->method != method) each = each->next;
	return each;
}

/* The last steps of an add, which cannot be undone: nothing after them fails. */
static int add_route(wf_router *router, const char *text, const wf_route_pattern *pattern,
	uint32_t method, const void *value, const char **rival)
{
	tree_route **place = follow_pattern(router, pattern);
	if (place == NULL) return WEFT_ENOMEM;
	const tree_route *same = find_route(*place, method);
	if (same != NULL) {
		*rival = same->pattern;
		return -EEXIST;
	}
	tree_route *added = new_route(text, pattern, method, value);
	if (added == NULL) return WEFT_ENOMEM;
	added->next = *place;
	*place = added;
	if (method != METHOD_ANY) router->methods |= (uint64_t)1 << method;
	return 0;
}

int wf_router_add(wf_router *router, const char *method, const char *pattern, const void *value,
	char *why, size_t why_size)
{
	wf_route_pattern parsed;
	uint32_t number = METHOD_ANY;
	const char *wrong = NULL, *rival = NULL;
	int rc = wf_route_pattern_parse(pattern, &parsed, &wrong);
	if (rc == 0) {
		rc = learn_method(router, method, &number);
		wrong = rc == WEFT_EFULL ? "too many different methods" : "the method is no token";
		if (rc == 0) rc = add_route(router, pattern, &parsed, number, value, &rival);
		if (rc == WEFT_ENOMEM) wrong = "out of memory";
		if (rc != 0) wf_free(parsed.memory);
	}
	if (rc == 0) return 0;
	const char *verb = method != NULL ? method : "*", *path = pattern != NULL ? pattern : "(null)";
	if (rival != NULL)
		snprintf(why, why_size, "%s %s answers the same requests as %s", verb, path, rival);
	else
		snprintf(why, why_size, "%s %s: %s", verb, path, wrong);
	return rc;
}

/* One search. */
typedef struct tree_search {
	const char *end; /* of the path */
	uint32_t method;
	wf_route_match *match;
	const tree_route *found;
} tree_search;

/* Whether a route of this list answers; else their methods are noted. */
static bool take_end(tree_search *search, const tree_route *routes, uint32_t parameters)
{
	const tree_route *found = find_route(routes, search->method);
	if (found == NULL && search->method == WF_METHOD_HEAD)
		found = find_route(routes, WF_METHOD_GET);
	if (found == NULL) found = find_route(routes, METHOD_ANY);
	if (found != NULL) {
		search->found = found;
		search->match->parameter_count = parameters;
		return true;
	}
	for (; routes != NULL; routes = routes->next)
		search->match->allowed |= (uint64_t)1 << routes->method;
	return false;
}

static void set_value(tree_search *search, uint32_t parameter, const char *from, const char *to)
{
	search->match->parameters[parameter].value = from;
	search->match->parameters[parameter].value_size = (size_t)(to - from);
}

/* `at` is behind the segments that led to `node`. The depth is that of the tree. */
static bool search_node(
	tree_search *search, const tree_node *node, const char *at, uint32_t parameters)
{
	if (at == search->end) return take_end(search, node->here, parameters);
	uint32_t hash;
	const char *segment = at + 1, *end = search->end;
	at = hash_segment(segment, end, &hash);
	const tree_node *next = find_edge(node, hash, segment, (size_t)(at - segment));
	if (next != NULL && search_node(search, next, at, parameters)) return true;
	if (node->parameter != NULL && at > segment) {
		set_value(search, parameters, segment, at);
		if (search_node(search, node->parameter, at, parameters + 1)) return true;
	}
	if (node->rest == NULL) return false;
	set_value(search, parameters, segment, end);
	return take_end(search, node->rest, parameters + 1);
}

wf_route_result wf_router_find(const wf_router *router, wf_http_method id, const char *method,
	size_t method_size, const char *path, size_t path_size, wf_route_match *match)
{
	tree_search search = { .end = path + path_size, .match = match };
	search.method = find_method(router, id, method, method_size);
	match->allowed = 0;
	if (path_size == 0 || *path != '/' || !search_node(&search, &router->root, path, 0)) {
		if (match->allowed == 0) return WF_ROUTE_NO_PATH;
		return id == WF_METHOD_OPTIONS ? WF_ROUTE_OPTIONS : WF_ROUTE_NO_METHOD;
	}
	const tree_route *found = search.found;
	match->value = found->value;
	match->pattern = found->pattern;
	for (uint32_t i = 0; i < found->name_count; i++) match->parameters[i].name = found->names[i];
	bool by_get = search.method == WF_METHOD_HEAD && found->method == WF_METHOD_GET;
	return by_get ? WF_ROUTE_FOUND_GET : WF_ROUTE_FOUND;
}

uint64_t wf_router_methods(const wf_router *router)
{
	return router->methods;
}

void wf_router_write_allow(const wf_router *router, uint64_t allowed, wf_http_writer *writer)
{
	if (allowed >> WF_METHOD_GET & 1) allowed |= (uint64_t)1 << WF_METHOD_HEAD;
	allowed |= (uint64_t)1 << WF_METHOD_OPTIONS;
	const char *separator = "";
	for (uint32_t i = 1; i < router->method_end; i++) {
		if (!(allowed >> i & 1)) continue;
		const char *name =
			i < METHOD_OWN ? wf_http_method_name((wf_http_method)i) : router->own_methods[i];
		wf_http_write_raw(writer, separator, strlen(separator));
		wf_http_write_raw(writer, name, strlen(name));
		separator = ", ";
	}
}
