#define _GNU_SOURCE
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const finding_names[FINDING_COUNT] = {
    [SOUND] = "sound",         [WRONG_STATUS] = "status", [WRONG_HTTP] = "http",          [WRONG_CHUNKS] = "chunks",
    [WRONG_DONE] = "done",     [WRONG_USAGE] = "usage",   [ERROR_EVENT] = "error_event",  [CUT_OFF] = "cut",
    [TOO_LATE] = "timeout",    [NO_CONNECTION] = "connect",
};

/* A piece of content: its place in the mock's sequence and when it was sent. */
typedef struct {
    uint32_t request_id, sequence;
    uint64_t sent_us;
} Tag;

static void blame(Answer *a, Finding finding, const char *text, size_t length, Figures *figures) {
    if (a->finding == SOUND) a->finding = finding;
    if (figures->example[0] || length == 0) return;
    if (length >= sizeof figures->example) length = sizeof figures->example - 1;
    memcpy(figures->example, text, length);
    figures->example[length] = 0;
}

void answer_begin(Answer *a, uint32_t request_id, uint32_t chunks, bool usage, uint64_t began) {
    memset(a, 0, offsetof(Answer, text));
    a->request_id = request_id;
    a->chunks = chunks;
    a->usage = usage;
    a->began = began;
}

/* Reads "@RRRRRRRR.SSSSS.TTTTTTTTTTTT@". */
static bool read_tag(const char *text, const char *end, Tag *tag) {
    if (end - text < 29 || text[0] != '@' || text[9] != '.' || text[15] != '.' || text[28] != '@') return false;
    tag->request_id = (uint32_t)strtoul(text + 1, NULL, 16);
    tag->sequence = (uint32_t)strtoul(text + 10, NULL, 10);
    tag->sent_us = strtoull(text + 16, NULL, 16);
    return true;
}

/* The value of the first such key, spaces skipped; NULL: no such key. A gateway may write JSON anew, so nothing is
 * assumed about spaces or the order of keys. */
static const char *value_of(const char *text, size_t length, const char *key) {
    const char *end = text + length, *at = memmem(text, length, key, strlen(key));
    if (!at) return NULL;
    for (at += strlen(key); at < end && (*at == ' ' || *at == ':'); at++) {}
    return at < end ? at : NULL;
}

static bool starts(const char *text, const char *end, const char *with) {
    size_t length = strlen(with);
    return (size_t)(end - text) >= length && !memcmp(text, with, length);
}

static void check_content(Answer *a, const char *content, const char *end, uint64_t now, Figures *figures) {
    Tag tag;
    if (!starts(content, end, "\"@")) { /* null, or the empty text of a chunk that only names the role */
        if (!starts(content, end, "null") && !starts(content, end, "\"\""))
            blame(a, WRONG_CHUNKS, content, (size_t)(end - content), figures);
        return;
    }
    if (!read_tag(content + 1, end, &tag) || tag.request_id != a->request_id || tag.sequence != a->next_chunk)
        blame(a, WRONG_CHUNKS, content, (size_t)(end - content), figures);
    a->next_chunk++;
    figures->chunks++;
    histogram_add(&figures->relay, now > tag.sent_us * 1000 ? now - tag.sent_us * 1000 : 0);
    if (a->next_chunk == 1) histogram_add(&figures->first_chunk, now - a->began);
}

static void check_event(Answer *a, const char *data, size_t length, uint64_t now, Figures *figures) {
    const char *end = data + length;
    if (starts(data, end, "[DONE]")) {
        if (a->done) blame(a, WRONG_DONE, "second [DONE]", 13, figures);
        a->done = true;
        return;
    }
    figures->events++;
    if (a->done) blame(a, WRONG_CHUNKS, data, length, figures);
    const char *choices = value_of(data, length, "\"choices\"");
    if (!choices) {
        bool failed = value_of(data, length, "\"error\"") != NULL;
        blame(a, failed ? ERROR_EVENT : WRONG_CHUNKS, data, length, figures);
        return;
    }
    const char *content = value_of(data, length, "\"content\"");
    if (content) check_content(a, content, end, now, figures);
    const char *finish = value_of(data, length, "\"finish_reason\"");
    if (finish && starts(finish, end, "\"stop\"")) {
        if (a->saw_finish || a->next_chunk != a->chunks) blame(a, WRONG_CHUNKS, data, length, figures);
        a->saw_finish = true;
    }
    const char *usage = value_of(data, length, "\"usage\"");
    if (usage && !starts(usage, end, "null")) {
        if (!a->usage || !value_of(data, length, "\"total_tokens\"")) blame(a, WRONG_USAGE, data, length, figures);
        a->saw_usage = true;
    }
}

static void check_line(Answer *a, const char *line, size_t length, uint64_t now, Figures *figures) {
    if (length && line[length - 1] == '\r') length--;
    if (!starts(line, line + length, "data:")) return; /* blank lines, comments that keep alive */
    line += 5, length -= 5;
    if (length && *line == ' ') line++, length--;
    check_event(a, line, length, now, figures);
}

/* Adds to the text collected; what does not fit is cut, and later found to be wrong. */
static void collect(Answer *a, const char *bytes, size_t count) {
    size_t room = sizeof a->text - 1 - a->length;
    if (count > room) count = room;
    memcpy(a->text + a->length, bytes, count);
    a->length += count;
    a->text[a->length] = 0;
}

static void take_body(Answer *a, const char *bytes, size_t count, uint64_t now, Figures *figures) {
    if (!a->chunks || a->status != 200) {
        collect(a, bytes, count);
        return;
    }
    for (const char *newline; count && (newline = memchr(bytes, '\n', count));) {
        size_t length = (size_t)(newline - bytes);
        if (a->length) {
            collect(a, bytes, length);
            check_line(a, a->text, a->length, now, figures);
            a->length = 0;
        } else {
            check_line(a, bytes, length, now, figures);
        }
        bytes += length + 1, count -= length + 1;
    }
    collect(a, bytes, count);
}

static void check_json(Answer *a, Figures *figures) {
    const char *content = value_of(a->text, a->length, "\"content\""), *end = a->text + a->length;
    Tag tag;
    if (!content || end[-1] != '}' || !value_of(a->text, a->length, "\"total_tokens\""))
        blame(a, WRONG_HTTP, a->text, a->length, figures);
    else if (!read_tag(content + 1, end, &tag) || tag.request_id != a->request_id)
        blame(a, WRONG_CHUNKS, a->text, a->length, figures);
}

static void complete(Answer *a, Figures *figures) {
    a->place = COMPLETE;
    if (a->status != 200) {
        blame(a, WRONG_STATUS, a->text, a->length, figures);
    } else if (!a->chunks) {
        check_json(a, figures);
    } else {
        if (a->next_chunk != a->chunks || !a->saw_finish) blame(a, WRONG_CHUNKS, "chunks missing", 14, figures);
        if (!a->done) blame(a, WRONG_DONE, "no [DONE]", 9, figures);
        if (a->usage && !a->saw_usage) blame(a, WRONG_USAGE, "no usage", 8, figures);
    }
}

static void read_head(Answer *a, Figures *figures) {
    if (strncmp(a->text, "HTTP/1.1 ", 9)) blame(a, WRONG_HTTP, a->text, a->length, figures);
    a->status = atoi(a->text + 9);
    a->closes = strcasestr(a->text, "\r\nConnection: close") != NULL;
    const char *length = strcasestr(a->text, "\r\nContent-Length:");
    if (strcasestr(a->text, "\r\nTransfer-Encoding: chunked")) {
        a->place = IN_CHUNK_SIZE;
    } else if (length) {
        a->place = IN_LENGTH;
        a->left = strtoull(length + 17, NULL, 10);
    } else {
        a->place = IN_REST;
        a->closes = true;
    }
    a->length = 0;
    if (a->status / 100 == 1) a->place = IN_HEAD;
    else if (a->place == IN_LENGTH && a->left == 0) complete(a, figures);
}

/* Takes bytes up to the end of the line at most; true: the line is complete in `text`. */
static bool take_line(Answer *a, const char **bytes, size_t *count) {
    const char *newline = memchr(*bytes, '\n', *count);
    size_t length = newline ? (size_t)(newline - *bytes) + 1 : *count;
    collect(a, *bytes, length);
    *bytes += length, *count -= length;
    return newline != NULL;
}

static void take_head(Answer *a, const char **bytes, size_t *count, Figures *figures) {
    while (*count && a->place == IN_HEAD) {
        if (take_line(a, bytes, count) && a->length >= 4 && !memcmp(a->text + a->length - 4, "\r\n\r\n", 4))
            read_head(a, figures);
        else if (a->length == sizeof a->text - 1)
            return blame(a, WRONG_HTTP, a->text, a->length, figures);
    }
}

static void take_chunk_size(Answer *a, const char **bytes, size_t *count) {
    /* The line of a body may be collected in `text` meanwhile, so the size is gathered digit by digit. */
    for (; *count; ++*bytes, --*count) {
        char digit = **bytes;
        if (digit >= '0' && digit <= '9') a->left = a->left * 16 + (uint64_t)(digit - '0');
        else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') a->left = a->left * 16 + (uint64_t)((digit | 32) - 'a' + 10);
        else if (digit == '\n') {
            ++*bytes, --*count;
            a->place = a->left ? IN_CHUNK : IN_TRAILER;
            return;
        } else if (digit != '\r') a->finding = a->finding ? a->finding : WRONG_HTTP;
    }
}

void answer_take(Answer *a, const char *bytes, size_t count, uint64_t now, Figures *figures) {
    figures->bytes += count;
    while (count && a->finding != WRONG_HTTP) {
        size_t part = count;
        switch (a->place) {
        case IN_HEAD: take_head(a, &bytes, &count, figures); break;
        case IN_LENGTH:
        case IN_CHUNK:
        case IN_REST:
            if (a->place != IN_REST && part > a->left) part = (size_t)a->left;
            take_body(a, bytes, part, now, figures);
            bytes += part, count -= part;
            if (a->place == IN_REST || (a->left -= part)) break;
            if (a->place == IN_LENGTH) complete(a, figures);
            else a->place = IN_CHUNK_END;
            break;
        case IN_CHUNK_END:
            if (*bytes == '\n') a->place = IN_CHUNK_SIZE;
            else if (*bytes != '\r') blame(a, WRONG_HTTP, bytes, count, figures);
            bytes++, count--;
            break;
        case IN_CHUNK_SIZE: take_chunk_size(a, &bytes, &count); break;
        case IN_TRAILER: /* none is expected: the empty line must follow */
            if (*bytes == '\n') complete(a, figures);
            else if (*bytes != '\r') blame(a, WRONG_HTTP, bytes, count, figures);
            bytes++, count--;
            break;
        case COMPLETE: blame(a, WRONG_HTTP, bytes, count, figures); break; /* bytes nobody asked for */
        }
    }
}

void answer_end(Answer *a, Figures *figures) {
    if (a->place == IN_REST) complete(a, figures);
    else if (a->place != COMPLETE) blame(a, CUT_OFF, "connection closed", 17, figures);
}
