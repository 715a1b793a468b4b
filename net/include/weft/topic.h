/* Publish to many, across workers (and machines). Publishing never suspends. */
#ifndef WEFT_TOPIC_H
#define WEFT_TOPIC_H
#include <weft/websocket.h>
WEFT_BEGIN
typedef struct weft_topic weft_topic;
typedef struct weft_subscription weft_subscription;
enum { WEFT_DROP_OLDEST, WEFT_DROP_NEWEST, WEFT_DISCONNECT };
typedef struct weft_subscribe_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int queue WEFT_DEFAULT;
	int when_full WEFT_DEFAULT;
} weft_subscribe_options;
/* By name, made on first use, gone with its last subscriber: nothing to open or free. */
WEFT_API int weft_topic_publish(const char *topic, const weft_message *m);
WEFT_API int weft_topic_print(const char *topic, const char *format, ...) WEFT_PRINTF(2, 3);
/* The session's own: everything published goes out on ws; ends with it. */
WEFT_API WEFT_MUST int weft_websocket_subscribe_with(
	weft_websocket *ws, const char *topic, const weft_subscribe_options *options);
#define weft_websocket_subscribe(...) WEFT_WEBSOCKET_SUBSCRIBE_(__VA_ARGS__, )
#define WEFT_WEBSOCKET_SUBSCRIBE_(ws, topic, ...)                                                  \
	weft_websocket_subscribe_with(ws, topic, WEFT_OPTIONS(weft_subscribe_options, __VA_ARGS__))
WEFT_API WEFT_MUST int weft_subscription_open_with(
	const char *topic, const weft_subscribe_options *options, weft_subscription **out);
#define weft_subscription_open(...) WEFT_SUBSCRIPTION_OPEN_(__VA_ARGS__, )
#define WEFT_SUBSCRIPTION_OPEN_(topic, out, ...)                                                   \
	weft_subscription_open_with(topic, WEFT_OPTIONS(weft_subscribe_options, __VA_ARGS__), out)
WEFT_API WEFT_MUST int weft_subscription_next(weft_subscription *s, const weft_message **out);
WEFT_API void weft_subscription_close(weft_subscription *s);
/* From now on topics reach every process that opened the same server, "redis://host:port". While it
 * cannot be reached they go on inside this process, and it is tried again. */
WEFT_API WEFT_MUST int weft_topic_redis_open(const char *url);
WEFT_API void weft_topic_redis_close(void);
WEFT_END
#endif
