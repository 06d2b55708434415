/* mock: an OpenAI-compatible upstream that is never the bottleneck. One thread, epoll, 127.0.0.1 only.
 *
 *     mock [PORT]        without PORT it takes a free one; prints the port it listens on
 *
 *     POST /v1/chat/completions   one JSON answer, or a stream of events when the body has "stream":true
 *     POST /v1/messages           the same as Anthropic says it
 *     POST /v1beta/models/M:generateContent, :streamGenerateContent   and as Gemini does
 *     GET  /v1/models, /stats
 *
 * Every event of a stream is one HTTP chunk and one send(), as most engines do it. Every piece of content begins with
 * a tag `@RRRRRRRR.SSSSS.TTTTTTTTTTTT@`: request id (hex), sequence number, time of sending (CLOCK_MONOTONIC in µs,
 * hex). So a client on this machine can tell lost, doubled, reordered and mixed up chunks, and how long each was under
 * way.
 *
 * Words anywhere in the body steer the answer; put into a message they survive any gateway:
 *     rid:1a2b3c4d     the request id to put into the tags
 *     ttfb_us:5000     think that long before the first byte
 *     gap_us:20000     pause between two chunks; 0: as fast as the socket takes them, streams taking turns
 *     fault:NAME       spoil the answer, see `fault_names`
 *     "max_tokens":64  number of chunks
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define TAG "@00000000.00000.000000000000@"
enum { TAG_SEQUENCE = 10, TAG_TIME = 16, MAX_REQUEST = 64 << 20, MAX_CHUNKS = 99999, READ_SIZE = 64 << 10 };

typedef enum {
    FAULT_NONE, FAULT_DROP, FAULT_DOUBLE, FAULT_SWAP, FAULT_MIXUP, FAULT_CUT, FAULT_SHORT, FAULT_NODONE,
    FAULT_TWODONE, FAULT_LATE, FAULT_NOUSAGE, FAULT_STALL, FAULT_STATUS, FAULT_COUNT
} Fault;

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_DROP] = "drop",       /* the middle chunk is missing */
    [FAULT_DOUBLE] = "double",   /* the middle chunk comes twice */
    [FAULT_SWAP] = "swap",       /* the middle chunk and the next change places */
    [FAULT_MIXUP] = "mixup",     /* the middle chunk belongs to another request */
    [FAULT_CUT] = "cut",         /* the connection ends inside the middle chunk */
    [FAULT_SHORT] = "short",     /* the stream ends properly, [DONE] and all, but half of the chunks are missing */
    [FAULT_NODONE] = "nodone",   /* no [DONE] */
    [FAULT_TWODONE] = "twodone", /* [DONE] twice */
    [FAULT_LATE] = "late",       /* a chunk after [DONE] */
    [FAULT_NOUSAGE] = "nousage", /* the usage that was asked for is missing */
    [FAULT_STALL] = "stall",     /* silence from the middle chunk on */
    [FAULT_STATUS] = "status",   /* 503 */
};

typedef struct {
    char *bytes;
    size_t begin, end, capacity;
} Buffer;

typedef struct {
    int fd;
    bool watches_output;
    Buffer in, out; /* requests not answered yet; bytes the socket did not take */

    struct Pieces *pieces; /* the dialect */
    bool answering, streaming, wants_usage, sent_head;
    Fault fault;
    int chunks, next; /* how many chunks to send, and the next one */
    uint32_t request_id;
    uint64_t gap_ns;
    uint64_t due; /* when the next step of the answer is to be taken, if queued */
    int place;    /* in the queue; -1: not queued */
} Connection;

/* A piece of an answer, rendered once; only its tag changes. */
typedef struct {
    char text[1024];
    size_t length;
    char *tag;
} Piece;

/* What one dialect's answers are made of. */
typedef struct Pieces {
    Piece first, middle, last, usage, done, done_event, json;
} Pieces;

static int poller;
static Pieces openai, anthropic, gemini;
static Piece models_answer, busy_answer, unknown_answer, stream_head, end_of_body;
static struct { unsigned long requests, streams, chunks, open; } stats;

/* ---- the queue of due steps: a binary heap. Streams without pauses are due at once and so take turns. ---- */

static Connection **queue;
static int queue_length, queue_capacity;

static void queue_put(int place, Connection *c) {
    queue[place] = c;
    c->place = place;
}

static void queue_settle(Connection *c) {
    int place = c->place;
    for (int parent; place > 0 && queue[parent = (place - 1) / 2]->due > c->due; place = parent)
        queue_put(place, queue[parent]);
    for (int child; (child = 2 * place + 1) < queue_length; place = child) {
        if (child + 1 < queue_length && queue[child + 1]->due < queue[child]->due) child++;
        if (queue[child]->due >= c->due) break;
        queue_put(place, queue[child]);
    }
    queue_put(place, c);
}

static void queue_add(Connection *c, uint64_t due) {
    c->due = due;
    if (c->place < 0) {
        if (queue_length == queue_capacity) {
            queue_capacity = queue_capacity ? 2 * queue_capacity : 1024;
            queue = realloc(queue, (size_t)queue_capacity * sizeof *queue);
        }
        queue_put(queue_length++, c);
    }
    queue_settle(c);
}

static void queue_remove(Connection *c) {
    int place = c->place;
    if (place < 0) return;
    c->place = -1;
    if (place == --queue_length) return;
    queue_put(place, queue[queue_length]);
    queue_settle(queue[place]);
}

/* ---- buffers and sending ---- */

static void buffer_reserve(Buffer *b, size_t room) {
    if (b->begin == b->end) b->begin = b->end = 0;
    if (b->capacity - b->end >= room) return;
    memmove(b->bytes, b->bytes + b->begin, b->end - b->begin);
    b->end -= b->begin;
    b->begin = 0;
    if (b->capacity - b->end >= room) return;
    b->capacity = 2 * (b->end + room);
    b->bytes = realloc(b->bytes, b->capacity);
}

static void buffer_free(Buffer *b) {
    free(b->bytes);
    *b = (Buffer){0};
}

static void connection_close(Connection *c) {
    queue_remove(c);
    close(c->fd);
    buffer_free(&c->in);
    buffer_free(&c->out);
    free(c);
    stats.open--;
}

static void watch(Connection *c, bool output) {
    if (c->watches_output == output) return;
    c->watches_output = output;
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Sends now what the socket takes and keeps the rest. False: the connection is lost. */
static bool put(Connection *c, const char *bytes, size_t length) {
    if (c->out.begin == c->out.end) {
        ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent == (ssize_t)length) return true;
        if (sent > 0) bytes += sent, length -= (size_t)sent;
    }
    buffer_reserve(&c->out, length);
    memcpy(c->out.bytes + c->out.end, bytes, length);
    c->out.end += length;
    watch(c, true);
    return true;
}

static bool put_piece(Connection *c, const Piece *piece) { return put(c, piece->text, piece->length); }

static bool flush(Connection *c) {
    ssize_t sent = send(c->fd, c->out.bytes + c->out.begin, c->out.end - c->out.begin, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    c->out.begin += (size_t)sent;
    if (c->out.begin < c->out.end) return true;
    watch(c, false);
    if (c->streaming) queue_add(c, clock_ns());
    return true;
}

/* ---- the pieces ---- */

static void render_answer(Piece *piece, const char *status, const char *json) {
    piece->length = (size_t)snprintf(piece->text, sizeof piece->text,
                                     "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                     status, strlen(json), json);
    piece->tag = strstr(piece->text, TAG);
}

/* One HTTP chunk. */
static void render_chunk(Piece *piece, const char *text) {
    piece->length = (size_t)snprintf(piece->text, sizeof piece->text, "%zx\r\n%s\r\n", strlen(text), text);
    piece->tag = strstr(piece->text, TAG);
}

#define EVENT(data) "data: " data "\n\n"
#define NAMED(name, data) "event: " name "\ndata: {\"type\":\"" name "\"," data "}\n\n"

#define CHUNK(choices, rest)                                                                        \
    "{\"id\":\"chatcmpl-bench0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1750000000," \
    "\"model\":\"mock-model\",\"choices\":[" choices "]" rest "}"
#define CHOICE(delta, finish) "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":" finish "}"
#define USAGE "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":64,\"total_tokens\":88}"

static void render_pieces(void) {
    render_chunk(&openai.first, EVENT(CHUNK(CHOICE("\"role\":\"assistant\",\"content\":\"" TAG " \"", "null"), "")));
    render_chunk(&openai.middle, EVENT(CHUNK(CHOICE("\"content\":\"" TAG " word\"", "null"), "")));
    render_chunk(&openai.last, EVENT(CHUNK(CHOICE("\"content\":\"" TAG " end\"", "\"stop\""), "")));
    render_chunk(&openai.usage, EVENT(CHUNK("", "," USAGE)));
    render_chunk(&openai.done_event, EVENT("[DONE]"));
    end_of_body.length = (size_t)sprintf(end_of_body.text, "0\r\n\r\n");
    openai.done.length =
        (size_t)snprintf(openai.done.text, sizeof openai.done.text, "%.20s0\r\n\r\n", openai.done_event.text);
    stream_head.length = (size_t)sprintf(stream_head.text, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                         "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    render_answer(&openai.json, "200 OK",
                  "{\"id\":\"chatcmpl-bench0123456789abcdef\",\"object\":\"chat.completion\",\"created\":1750000000,"
                  "\"model\":\"mock-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                  "\"content\":\"" TAG " Mills turned by water ground the flour of most towns for two thousand "
                  "years, until steam took their place.\",\"refusal\":null},\"logprobs\":null,"
                  "\"finish_reason\":\"stop\"}]," USAGE ",\"system_fingerprint\":\"fp_mock\"}");
    render_answer(&models_answer, "200 OK",
                  "{\"object\":\"list\",\"data\":[{\"id\":\"mock-model\",\"object\":\"model\","
                  "\"created\":1750000000,\"owned_by\":\"mock\"}]}");
    render_answer(&busy_answer, "503 Service Unavailable",
                  "{\"error\":{\"message\":\"asked to fail\",\"type\":\"server_error\"}}");
    render_answer(&unknown_answer, "404 Not Found",
                  "{\"error\":{\"message\":\"no such path\",\"type\":\"invalid_request_error\"}}");
}

/* Anthropic names its events and opens and closes a block around the text. */
#define DELTA(text) \
    NAMED("content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" TAG text "\"}")
#define ANTHROPIC_USAGE(out) "\"usage\":{\"input_tokens\":24,\"output_tokens\":" out "}"
#define MESSAGE(content, stop, out)                                                                           \
    "{\"id\":\"msg_bench0123456789abcdef\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-mock\"," \
    "\"content\":[" content "],\"stop_reason\":" stop ",\"stop_sequence\":null," ANTHROPIC_USAGE(out) "}"

static void render_anthropic(void) {
    Pieces *p = &anthropic;
    render_chunk(&p->first, NAMED("message_start", "\"message\":" MESSAGE("", "null", "1"))
                 NAMED("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}") DELTA(" "));
    render_chunk(&p->middle, DELTA(" word"));
    render_chunk(&p->last, DELTA(" end") NAMED("content_block_stop", "\"index\":0"));
    render_chunk(&p->done_event, NAMED("message_delta", "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                                       ANTHROPIC_USAGE("64")) "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    p->done.length = (size_t)snprintf(p->done.text, sizeof p->done.text, "%s0\r\n\r\n", p->done_event.text);
    render_answer(&p->json, "200 OK",
                  MESSAGE("{\"type\":\"text\",\"text\":\"" TAG " Mills turned by water ground the flour of most towns for "
                          "two thousand years, until steam took their place.\"}", "\"end_turn\"", "64"));
}

/* Gemini ends its lines with CR LF, says its usage with every event, and just stops. */
#define GEMINI(text, more)                                                                                        \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" TAG text "\"}],\"role\":\"model\"}" more ",\"index\":0}]," \
    "\"usageMetadata\":{\"promptTokenCount\":24,\"candidatesTokenCount\":64,\"totalTokenCount\":88},"            \
    "\"modelVersion\":\"gemini-mock\",\"responseId\":\"bench0123456789abcdef\"}"

static void render_gemini(void) {
    Pieces *p = &gemini;
    render_chunk(&p->first, "data: " GEMINI(" ", "") "\r\n\r\n");
    render_chunk(&p->middle, "data: " GEMINI(" word", "") "\r\n\r\n");
    render_chunk(&p->last, "data: " GEMINI(" end", ",\"finishReason\":\"STOP\"") "\r\n\r\n");
    p->done = end_of_body;
    render_answer(&p->json, "200 OK", GEMINI(" Mills turned by water ground the flour of most towns for two thousand "
                                             "years, until steam took their place.", ",\"finishReason\":\"STOP\""));
}

static void write_hex(char *end, int digits, uint64_t value) {
    while (digits--) *--end = "0123456789abcdef"[value & 15], value >>= 4;
}

static bool put_tagged(Connection *c, Piece *piece, uint32_t request_id, int sequence) {
    char *tag = piece->tag;
    write_hex(tag + 9, 8, request_id);
    for (int digit = 4, rest = sequence; digit >= 0; digit--, rest /= 10)
        tag[TAG_SEQUENCE + digit] = (char)('0' + rest % 10);
    write_hex(tag + TAG_TIME + 12, 12, clock_ns() / 1000);
    return put_piece(c, piece);
}

/* ---- answering; false: close the connection ---- */

static bool finish(Connection *c) {
    c->answering = c->streaming = false;
    return true;
}

static bool put_chunk(Connection *c, int sequence) {
    Piece *piece = sequence == 0                ? &c->pieces->first
                   : sequence == c->chunks - 1 ? &c->pieces->last
                                               : &c->pieces->middle;
    bool foreign = c->fault == FAULT_MIXUP && sequence == c->chunks / 2;
    stats.chunks++;
    return put_tagged(c, piece, foreign ? c->request_id ^ 1 : c->request_id, sequence);
}

/* Sends what belongs to one place in the stream: one chunk, unless a fault says otherwise. */
static bool put_place(Connection *c, int place) {
    int middle = c->chunks / 2;
    bool at_middle = place == middle;
    switch (c->fault) {
    case FAULT_DROP: return at_middle || put_chunk(c, place);
    case FAULT_DOUBLE: return put_chunk(c, place) && (!at_middle || put_chunk(c, place));
    case FAULT_SWAP: {
        bool swapped = (at_middle || place == middle + 1) && middle + 1 < c->chunks;
        return put_chunk(c, swapped ? 2 * middle + 1 - place : place);
    }
    case FAULT_CUT:
        if (at_middle) put(c, c->pieces->middle.text, c->pieces->middle.length / 2);
        return !at_middle && put_chunk(c, place);
    default: return put_chunk(c, place);
    }
}

static bool put_ending(Connection *c) {
    if (c->wants_usage && c->fault != FAULT_NOUSAGE && !put_piece(c, &c->pieces->usage)) return false;
    switch (c->fault) {
    case FAULT_NODONE: return put_piece(c, &end_of_body);
    case FAULT_TWODONE: return put_piece(c, &c->pieces->done_event) && put_piece(c, &c->pieces->done);
    case FAULT_LATE: return put_piece(c, &c->pieces->done_event) && put_chunk(c, c->chunks) && put_piece(c, &end_of_body);
    default: return put_piece(c, &c->pieces->done);
    }
}

/* Takes the next step of the answer in progress. */
static bool step(Connection *c) {
    if (!c->streaming) {
        uint32_t id = c->fault == FAULT_MIXUP ? c->request_id ^ 1 : c->request_id;
        return put_tagged(c, &c->pieces->json, id, 0) && finish(c);
    }
    if (!c->sent_head) {
        c->sent_head = true;
        if (!put_piece(c, &stream_head)) return false;
    }
    if (c->out.begin != c->out.end) return true; /* the socket is full; `flush` goes on */
    bool at_middle = c->next == c->chunks / 2;
    if (c->fault == FAULT_STALL && at_middle) return true;
    if (c->next == c->chunks || (c->fault == FAULT_SHORT && at_middle)) return put_ending(c) && finish(c);
    if (!put_place(c, c->next++)) return false;
    if (c->next == c->chunks) queue_add(c, clock_ns());
    else queue_add(c, c->gap_ns ? c->due + c->gap_ns : clock_ns());
    return true;
}

static const char *after(const char *text, const char *word) {
    const char *found = strstr(text, word);
    if (!found) return NULL;
    for (found += strlen(word); *found == ' ' || *found == ':'; found++) {}
    return found;
}

static long number_after(const char *text, const char *word, int base, long otherwise) {
    const char *digits = after(text, word);
    return digits ? strtol(digits, NULL, base) : otherwise;
}

static bool is_true(const char *text, const char *key) {
    const char *value = after(text, key);
    return value && !strncmp(value, "true", 4);
}

static bool answer_chat(Connection *c, Pieces *pieces, bool streams, const char *body) {
    c->pieces = pieces;
    c->request_id = (uint32_t)number_after(body, "rid:", 16, 0);
    c->gap_ns = (uint64_t)number_after(body, "gap_us:", 10, 0) * 1000;
    c->chunks = (int)number_after(body, pieces == &gemini ? "\"maxOutputTokens\"" : "\"max_tokens\"", 10, 64);
    if (c->chunks < 1) c->chunks = 1;
    if (c->chunks > MAX_CHUNKS) c->chunks = MAX_CHUNKS;
    c->next = 0;
    c->fault = FAULT_NONE;
    const char *fault = after(body, "fault:");
    for (int i = 1; fault && i < FAULT_COUNT; i++)
        if (!strncmp(fault, fault_names[i], strlen(fault_names[i]))) c->fault = (Fault)i;
    if (c->fault == FAULT_STATUS) return put_piece(c, &busy_answer) && finish(c);
    c->answering = true;
    c->sent_head = false;
    c->streaming = streams || is_true(body, "\"stream\"");
    c->wants_usage = is_true(body, "\"include_usage\"");
    stats.streams += c->streaming;
    uint64_t wait = (uint64_t)number_after(body, "ttfb_us:", 10, 0) * 1000;
    c->due = clock_ns() + wait;
    if (!wait) return step(c);
    queue_add(c, c->due);
    return true;
}

static bool answer(Connection *c, const char *head, const char *body) {
    stats.requests++;
    if (!strncmp(head, "POST /v1/chat/completions ", 26)) return answer_chat(c, &openai, false, body);
    if (!strncmp(head, "POST /v1/messages ", 18)) return answer_chat(c, &anthropic, false, body);
    if (!strncmp(head, "POST /v1beta/models/", 20)) {
        const char *end = strchr(head, '\r'), *verb = strstr(head, ":streamGenerateContent");
        return answer_chat(c, &gemini, verb && end && verb < end, body);
    }
    if (!strncmp(head, "GET /v1/models ", 15)) return put_piece(c, &models_answer) && finish(c);
    if (strncmp(head, "GET /stats ", 11)) return put_piece(c, &unknown_answer) && finish(c);
    char json[200];
    snprintf(json, sizeof json, "{\"requests\":%lu,\"streams\":%lu,\"chunks\":%lu,\"open\":%lu}", stats.requests,
             stats.streams, stats.chunks, stats.open);
    Piece piece;
    render_answer(&piece, "200 OK", json);
    return put_piece(c, &piece) && finish(c);
}

static const char *header(const char *head, const char *name) {
    const char *found = strcasestr(head, name);
    return found ? found + strlen(name) : NULL;
}

typedef enum { TOOK_NONE, TOOK_ONE, REFUSED } Taken;

/* Answers the next request if it is here as a whole. */
static Taken take_request(Connection *c) {
    char *head = c->in.bytes + c->in.begin;
    size_t length = c->in.end - c->in.begin;
    char *blank = length ? memmem(head, length, "\r\n\r\n", 4) : NULL;
    if (!blank) return length < READ_SIZE ? TOOK_NONE : REFUSED;
    char *body = blank + 4;
    *blank = 0;
    if (header(head, "\r\nTransfer-Encoding:")) return REFUSED; /* no gateway needs it towards an upstream */
    const char *declared = header(head, "\r\nContent-Length:");
    size_t body_length = declared ? strtoul(declared, NULL, 10) : 0, head_length = (size_t)(body - head);
    if (body_length > MAX_REQUEST) return REFUSED;
    if (length < head_length + body_length) {
        bool asks = header(head, "\r\nExpect: 100") && length == head_length;
        *blank = '\r';
        return !asks || put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25) ? TOOK_NONE : REFUSED;
    }
    c->in.begin += head_length + body_length;
    char next = body[body_length]; /* `read_requests` left room for this byte */
    body[body_length] = 0;
    bool keep = answer(c, head, body);
    body[body_length] = next;
    return keep ? TOOK_ONE : REFUSED;
}

/* Answers what is here, one request after the other. False: close the connection. */
static bool take_requests(Connection *c) {
    Taken taken = TOOK_ONE;
    while (taken == TOOK_ONE && !c->answering) taken = take_request(c);
    return taken != REFUSED;
}

static bool read_requests(Connection *c) {
    buffer_reserve(&c->in, READ_SIZE + 1);
    ssize_t count = recv(c->fd, c->in.bytes + c->in.end, c->in.capacity - c->in.end - 1, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    c->in.end += (size_t)count;
    bool keep = take_requests(c);
    if (keep && c->in.begin == c->in.end) buffer_free(&c->in); /* thousands of silent streams must not cost memory */
    return keep;
}

/* ---- the loop ---- */

static void accept_all(int listener) {
    int one = 1;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->place = -1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        stats.open++;
    }
}

static void take_due_steps(void) {
    for (uint64_t now = clock_ns(); queue_length && queue[0]->due <= now;) {
        Connection *c = queue[0];
        queue_remove(c);
        if (!step(c) || !take_requests(c)) connection_close(c);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8192)) {
        perror("mock: cannot listen");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    render_pieces();
    render_anthropic();
    render_gemini();
    int listener = listen_on(argc > 1 ? atoi(argv[1]) : 0);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256] = {{.events = EPOLLIN, .data.ptr = NULL}};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &events[0]);
    for (;;) {
        uint64_t now = clock_ns(), wait = queue_length && queue[0]->due > now ? queue[0]->due - now : 0;
        struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
        int count = epoll_pwait2(poller, events, 256, queue_length ? &timeout : NULL, NULL);
        for (int i = 0; i < count; i++) {
            Connection *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            bool keep = !(events[i].events & EPOLLOUT) || flush(c);
            if (keep && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) keep = read_requests(c);
            if (!keep) connection_close(c);
        }
        take_due_steps();
    }
}
