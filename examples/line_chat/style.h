/* The two styles: the same chat, written twice. */
#ifndef STYLE_H
#define STYLE_H

#include <weft/group.h>
#include <weft/listener.h>

#include "room.h"

/* Serve until asked to drain; the members are in `group`. */
int serve_with_handlers(weft_listener *l, weft_group *group, struct room *room);
int serve_with_tasks(weft_listener *l, weft_group *group, struct room *room);

#endif
