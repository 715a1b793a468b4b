/* What the parts of the chat share: one of it lives from the first line of main to the last. */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "members.h"
#include "store.h"

#include <weft/weft.h>

typedef struct chat {
	chat_store *store;
	weft_pool *pool; /* all calls to the store are made here */
	chat_members *members;
} chat;

/* GET /ws/{room}: one person in one room. */
extern const weft_websocket_events chat_session;

/* The longest frame a client may send: the longest text, every byte of it escaped. */
enum { CHAT_FRAME_MAX = 128 * 1024 };

#endif
