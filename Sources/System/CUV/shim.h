#ifndef MILLRACE_CUV_SHIM_H
#define MILLRACE_CUV_SHIM_H

#include <uv.h>

/// A C function for a thread of libuv's pool. The trampoline is C as well, so that no Swift code runs on that thread.
typedef struct cuv_offload {
    uv_work_t request;
    void (*_Nonnull function)(void *_Nullable context);
    void *_Nullable context;
} cuv_offload;

static inline void cuv_offload_work(uv_work_t *_Nonnull request) {
    // The request is the first member.
    cuv_offload *offload = (cuv_offload *)request;
    offload->function(offload->context);
}

static inline int cuv_offload_queue(uv_loop_t *_Nonnull loop, cuv_offload *_Nonnull offload,
                                    uv_after_work_cb _Nonnull after) {
    return uv_queue_work(loop, &offload->request, cuv_offload_work, after);
}

#endif
