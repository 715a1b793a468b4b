/* The kinds of cases that select itself must know. */
#ifndef WF_RUNTIME_SELECT_KINDS_H
#define WF_RUNTIME_SELECT_KINDS_H

#include "runtime/select.h"

/* Claimed by the scope, for WF_CAUSE_DRAIN, not by a node. */
extern const wf_case_kind wf_case_drain;

#endif
