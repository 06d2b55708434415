/* Reads one HTTP answer as it comes and checks all of it: a plain JSON answer or a stream of events, in the form the
 * mock gives them. The caller owns the connection; this part sees bytes only. */
#ifndef BENCHMARK_ANSWER_H
#define BENCHMARK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

/* What was wrong with an answer; the first finding counts. */
typedef enum {
    SOUND,
    WRONG_STATUS,  /* not 200 */
    WRONG_HTTP,    /* not HTTP, or not the JSON expected */
    WRONG_CHUNKS,  /* lost, doubled, reordered, of another request, after the end */
    WRONG_DONE,    /* not exactly one [DONE] */
    WRONG_USAGE,   /* missing though asked for, or there unasked */
    ERROR_EVENT,   /* the stream said itself that it failed */
    CUT_OFF,       /* the connection ended inside */
    TOO_LATE,      /* silence for longer than allowed */
    NO_CONNECTION,
    FINDING_COUNT
} Finding;

extern const char *const finding_names[FINDING_COUNT];

/* What all answers of a run brought together. */
typedef struct {
    uint64_t chunks, events, bytes;
    Histogram first_chunk, relay; /* from the request to the first chunk; from the mock's send to here, any chunk */
    char example[200];            /* the beginning of the first thing that was wrong */
} Figures;

typedef struct {
    uint32_t request_id;
    uint32_t chunks; /* expected; 0: a plain JSON answer */
    bool usage;      /* expected in a stream (a JSON answer always has it) */
    uint64_t began;  /* when the request was due, in ns */

    enum { IN_HEAD, IN_LENGTH, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, IN_REST, COMPLETE } place;
    Finding finding;
    bool closes, done, saw_finish, saw_usage;
    int status;
    uint32_t next_chunk;
    uint64_t left; /* bytes of the body or of the HTTP chunk still to come */
    size_t length; /* of the text collected: head, one line, or a JSON body */
    char text[8192];
} Answer;

void answer_begin(Answer *answer, uint32_t request_id, uint32_t chunks, bool usage, uint64_t began);

/* Takes bytes that came at `now`; `answer->place` says whether it is complete, `answer->finding` what was wrong. */
void answer_take(Answer *answer, const char *bytes, size_t count, uint64_t now, Figures *figures);

/* The peer closed: the end of an answer without a length, otherwise a cut. */
void answer_end(Answer *answer, Figures *figures);

#endif
