#ifndef MILLRACE_CCURL_SHIM_H
#define MILLRACE_CCURL_SHIM_H

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* libcurl's option functions are variadic, which Swift cannot call; one wrapper for each kind of argument. */

/* A macro, which Swift does not see. */
static const CURLversion ccurl_version_now = CURLVERSION_NOW;

static inline CURLcode ccurl_easy_setopt_long(CURL *_Nonnull easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_easy_setopt_offset(CURL *_Nonnull easy, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_easy_setopt_string(CURL *_Nonnull easy, CURLoption option, const char *_Nullable value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_easy_setopt_pointer(CURL *_Nonnull easy, CURLoption option, const void *_Nullable value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_easy_setopt_list(CURL *_Nonnull easy, CURLoption option,
                                              struct curl_slist *_Nullable value) {
    return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_easy_setopt_write(CURL *_Nonnull easy, CURLoption option,
                                               curl_write_callback _Nullable callback) {
    return (curl_easy_setopt)(easy, option, callback);
}

static inline CURLcode ccurl_easy_setopt_opensocket(CURL *_Nonnull easy,
                                                    curl_opensocket_callback _Nullable callback) {
    return (curl_easy_setopt)(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}

static inline CURLcode ccurl_easy_setopt_closesocket(CURL *_Nonnull easy,
                                                     curl_closesocket_callback _Nullable callback) {
    return (curl_easy_setopt)(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
}

static inline CURLcode ccurl_easy_setopt_prerequest(CURL *_Nonnull easy, curl_prereq_callback _Nullable callback) {
    return (curl_easy_setopt)(easy, CURLOPT_PREREQFUNCTION, callback);
}

static inline CURLcode ccurl_easy_setopt_tls_context(CURL *_Nonnull easy, curl_ssl_ctx_callback _Nullable callback) {
    return (curl_easy_setopt)(easy, CURLOPT_SSL_CTX_FUNCTION, callback);
}

static inline CURLcode ccurl_easy_getinfo_long(CURL *_Nonnull easy, CURLINFO info, long *_Nonnull value) {
    return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLcode ccurl_easy_getinfo_offset(CURL *_Nonnull easy, CURLINFO info, curl_off_t *_Nonnull value) {
    return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLcode ccurl_easy_getinfo_pointer(CURL *_Nonnull easy, CURLINFO info,
                                                  void *_Nullable *_Nonnull value) {
    return (curl_easy_getinfo)(easy, info, value);
}

/* Identifies the TLS connection a transfer is using now; NULL without one. */
static inline const void *_Nullable ccurl_easy_tls_connection(CURL *_Nonnull easy) {
    struct curl_tlssessioninfo *info = NULL;
    CURLcode code = (curl_easy_getinfo)(easy, CURLINFO_TLS_SSL_PTR, &info);
    return code == CURLE_OK && info ? info->internals : NULL;
}

static inline CURLMcode ccurl_multi_setopt_long(CURLM *_Nonnull multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

static inline CURLMcode ccurl_multi_setopt_pointer(CURLM *_Nonnull multi, CURLMoption option,
                                                   void *_Nullable value) {
    return (curl_multi_setopt)(multi, option, value);
}

static inline CURLMcode ccurl_multi_setopt_socket(CURLM *_Nonnull multi, curl_socket_callback _Nullable callback) {
    return (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, callback);
}

static inline CURLMcode ccurl_multi_setopt_timer(CURLM *_Nonnull multi, curl_multi_timer_callback _Nullable callback) {
    return (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, callback);
}

static inline CURLSHcode ccurl_share_setopt_long(CURLSH *_Nonnull share, CURLSHoption option, long value) {
    return (curl_share_setopt)(share, option, value);
}

#endif
