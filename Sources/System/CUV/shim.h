#ifndef MILLRACE_CUV_SHIM_H
#define MILLRACE_CUV_SHIM_H

#include <uv.h>

#endif
