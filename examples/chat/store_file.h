/* Opening the chat's SQLite file, and saying in our codes what SQLite said. Private to the store.
 */
#ifndef CHAT_STORE_FILE_H
#define CHAT_STORE_FILE_H

#include "store.h"

#include <sqlite3.h>

/* Two connections to the file at `path`, made when it is not there. On failure *writer and *reader
 * may be set all the same; sqlite3_close both. Blocks the thread. */
WEFT_MUST int chat_file_open(const char *path, chat_call *call, sqlite3 **writer, sqlite3 **reader);

/* Fills in `why` and gives the code of the same meaning: "what: meaning (what SQLite says)". */
int chat_file_fail(chat_call *call, sqlite3 *db, int rc, const char *what);
int chat_file_refuse(chat_call *call, int code, const char *what, const char *meaning);

/* The first column of the first row; *out stays as it was when there is none. SQLite's code. */
int chat_file_run_i64(sqlite3_stmt *statement, int64_t *out);
/* Never NULL. */
const char *chat_file_text(sqlite3_stmt *statement, int column);

#endif
