#ifndef MILLRACE_CCURL_SHIM_H
#define MILLRACE_CCURL_SHIM_H

#include <curl/curl.h>

#endif
