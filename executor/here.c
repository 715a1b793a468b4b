#include "executor/here.h"

__thread wf_here wf_here_now;
