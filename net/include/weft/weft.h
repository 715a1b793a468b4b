/* All of weft in one line. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H
#include <weft/alloc.h>
#include <weft/context.h>
#include <weft/fd.h>
#include <weft/group.h>
#include <weft/log.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/protocol.h>
#include <weft/reader.h>
#include <weft/report.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/server.h>
#include <weft/signal.h>
#include <weft/sync.h>
#include <weft/tcp.h>
#include <weft/timer.h>
#include <weft/topic.h>
#include <weft/trace.h>
#endif
