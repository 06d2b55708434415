/* load: a load generator that checks every byte it gets. One thread, epoll, 127.0.0.1 only; prints one line of JSON.
 *
 *     load -p PORT [-c connections] [-d seconds | -n requests] [-s chunks [-u]] …
 *
 *     -c N   connections (default 1); in a closed loop each carries one request after the other
 *     -d S   start requests for S seconds (default 5)      -n N   start N requests
 *     -r R   open loop: R requests a second at random (Poisson) times, latency counted from the time a request was
 *            due, so that a stall is charged to everyone it delays
 *     -k S   hold: open -c streams, print {"held":N} once each has its first chunk, keep them S seconds
 *     -s N   streams of N chunks instead of plain answers   -u   ask for usage
 *     -g US  pause between chunks      -t US  time to the first      -f NAME  fault for the mock to make
 *     -m MODEL   -H "Name: value"   -b BYTES of prompt   -o S  of silence allowed (default 10)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"

typedef struct {
    int fd;
    enum { UNUSED, CONNECTING, IDLE, BUSY } state;
    size_t sent; /* of the request */
    uint64_t heard; /* when bytes came last, or it began to connect */
    Answer answer;
} Connection;

static struct {
    int port, connections, hold, prompt;
    uint32_t chunks;
    double seconds, rate, patience;
    long count;
    bool usage;
    unsigned gap, wait;
    const char *fault, *model;
    char headers[4096];
} options = {.connections = 1, .patience = 10, .fault = "none", .model = "mock-model"};

static Connection *connections, **idle;
static int idle_count, open_count, connecting_count, busy_count, next_unused;
static int poller;
static char *request, *request_id_text;
static size_t request_length;
static uint32_t last_request_id;
static uint64_t now, started, ends, last_end, next_due;
static uint64_t issued, sound, waiting_first, findings[FINDING_COUNT];
static Histogram latency;
static Figures figures;

static void count_finding(Finding finding, const char *example) {
    findings[finding]++;
    if (!figures.example[0]) snprintf(figures.example, sizeof figures.example, "%s", example);
}

static uint64_t total_findings(void) {
    uint64_t sum = 0;
    for (int i = 1; i < FINDING_COUNT; i++) sum += findings[i];
    return sum;
}

/* ---- connections ---- */

static void drop(Connection *c) {
    close(c->fd);
    if (c->state == CONNECTING) connecting_count--;
    if (c->state == BUSY) busy_count--;
    for (int i = 0; c->state == IDLE && i < idle_count; i++)
        if (idle[i] == c) idle[i--] = idle[--idle_count];
    c->state = UNUSED;
    open_count--;
}

static void become_idle(Connection *c) {
    c->state = IDLE;
    idle[idle_count++] = c;
}

static bool connect_one(void) {
    if (open_count >= options.connections || connecting_count >= 64) return false;
    while (connections[next_unused].state != UNUSED) next_unused = (next_unused + 1) % options.connections;
    Connection *c = &connections[next_unused];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)) {
        count_finding(NO_CONNECTION, strerror(errno));
        if (c->fd >= 0) close(c->fd);
        return false;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    c->state = CONNECTING;
    c->heard = now;
    connecting_count++;
    open_count++;
    return true;
}

/* ---- requests ---- */

static void build_request(void) {
    char *body = malloc((size_t)options.prompt + 1024), *prompt = malloc((size_t)options.prompt + 1);
    for (int i = 0; i < options.prompt; i++) prompt[i] = i % 7 == 6 ? ' ' : (char)('a' + i % 26);
    prompt[options.prompt] = 0;
    int length = sprintf(body,
                         "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"Answer in one sentence.\"},"
                         "{\"role\":\"user\",\"content\":\"What is a mill? rid:00000000 gap_us:%u ttfb_us:%u fault:%s "
                         "%s\"}],\"max_tokens\":%u%s%s}",
                         options.model, options.gap, options.wait, options.fault, prompt,
                         options.chunks ? options.chunks : 64, options.chunks ? ",\"stream\":true" : "",
                         options.usage ? ",\"stream_options\":{\"include_usage\":true}" : "");
    request = malloc((size_t)length + strlen(options.headers) + 512);
    request_length = (size_t)sprintf(request,
                                     "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                     "Content-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
                                     options.port, options.headers, length, body);
    request_id_text = strstr(strstr(request, "\r\n\r\n"), "rid:") + 4;
    free(body);
    free(prompt);
}

static void finish(Connection *c) {
    if (options.chunks && c->answer.next_chunk == 0) waiting_first--;
    last_end = now;
    Finding finding = c->answer.finding;
    if (finding) {
        findings[finding]++;
    } else {
        sound++;
        histogram_add(&latency, now - c->answer.began);
    }
    if (finding || c->answer.closes) {
        drop(c);
    } else {
        busy_count--;
        become_idle(c);
    }
}

static void push(Connection *c) {
    for (int digit = 0; digit < 8; digit++)
        request_id_text[digit] = "0123456789abcdef"[c->answer.request_id >> (28 - 4 * digit) & 15];
    ssize_t sent = send(c->fd, request + c->sent, request_length - c->sent, MSG_NOSIGNAL);
    if (sent > 0) c->sent += (size_t)sent; /* a lost connection shows when reading */
}

static void issue(Connection *c) {
    uint64_t due = options.rate > 0 ? next_due : now;
    answer_begin(&c->answer, ++last_request_id, options.chunks, options.usage, due);
    c->state = BUSY;
    c->heard = now;
    c->sent = 0;
    busy_count++;
    issued++;
    waiting_first += options.chunks > 0;
    if (options.rate > 0) next_due += (uint64_t)(-log(1 - drand48()) / options.rate * 1e9);
    push(c);
}

/* May another request begin now? */
static bool wants_more(void) {
    if (now >= ends && options.rate <= 0) return false;
    if (options.hold) return issued < (uint64_t)options.connections && waiting_first < 64;
    if (options.count && issued >= (uint64_t)options.count) return false;
    return options.rate <= 0 || (next_due <= now && next_due < ends);
}

/* Will none begin any more? */
static bool issued_all(void) {
    if (options.hold && issued >= (uint64_t)options.connections) return true;
    if (options.count && issued >= (uint64_t)options.count) return true;
    return options.rate > 0 ? next_due >= ends : now >= ends;
}

static void begin_requests(void) {
    while (wants_more()) {
        if (idle_count) issue(idle[--idle_count]);
        else if (!connect_one()) return;
    }
}

/* ---- events ---- */

/* Reads all there is. `ended`: the peer has closed, so there is an end to be read as well. */
static void receive(Connection *c, bool ended) {
    static char bytes[128 << 10];
    for (;;) {
        ssize_t count = recv(c->fd, bytes, sizeof bytes, 0);
        if (count < 0 && errno == EAGAIN) return;
        now = clock_ns();
        if (c->state != BUSY) {
            if (count > 0) count_finding(WRONG_HTTP, "bytes nobody asked for");
            else if (c->state == CONNECTING) count_finding(NO_CONNECTION, "refused");
            drop(c);
            return;
        }
        c->heard = now;
        bool had_first = c->answer.next_chunk > 0;
        if (count > 0) answer_take(&c->answer, bytes, (size_t)count, now, &figures);
        else answer_end(&c->answer, &figures);
        if (!had_first && c->answer.next_chunk > 0) waiting_first--;
        if (count <= 0 || c->answer.place == COMPLETE || c->answer.finding == WRONG_HTTP) {
            if (count <= 0) c->answer.closes = true;
            finish(c);
            return;
        }
        if (count < (ssize_t)sizeof bytes && !ended) return; /* edge-triggered: more will be told */
    }
}

static void handle(Connection *c, uint32_t events) {
    if (c->state == CONNECTING && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
        connecting_count--;
        become_idle(c);
    }
    if (c->state == BUSY && c->sent < request_length && events & EPOLLOUT) push(c);
    if (c->state != UNUSED && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        receive(c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

static void give_up_on_silent(void) {
    uint64_t patience = (uint64_t)(options.patience * 1e9);
    for (Connection *c = connections; c < connections + options.connections; c++) {
        if ((c->state != BUSY && c->state != CONNECTING) || now - c->heard < patience) continue;
        if (c->state == BUSY) {
            if (options.chunks && c->answer.next_chunk == 0) waiting_first--;
            last_end = now;
        }
        count_finding(c->state == BUSY ? TOO_LATE : NO_CONNECTION, "silence");
        drop(c);
    }
}

static void wait_for_events(uint64_t until) {
    struct epoll_event events[512];
    uint64_t wait = until > now ? until - now : 0;
    struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
    int count = epoll_pwait2(poller, events, 512, &timeout, NULL);
    now = clock_ns();
    for (int i = 0; i < count; i++) handle(events[i].data.ptr, events[i].events);
}

/* ---- the run ---- */

/* Connects first, so that the run measures requests only. */
static void connect_all(void) {
    uint64_t limit = clock_ns() + 5000000000u;
    while ((now = clock_ns()) < limit && idle_count < options.connections && total_findings() < 100) {
        while (connect_one()) {}
        wait_for_events(now + 10000000);
    }
}

static uint64_t run(void) {
    uint64_t scan = now, held_until = 0, held = 0;
    for (;;) {
        now = clock_ns();
        begin_requests();
        if (options.hold && !held_until && issued_all() && waiting_first == 0) {
            held = (uint64_t)busy_count;
            printf("{\"held\":%llu}\n", (unsigned long long)held);
            fflush(stdout);
            held_until = now + (uint64_t)options.hold * 1000000000u;
        }
        if (options.hold ? held_until && now >= held_until : issued_all() && busy_count == 0) return held;
        if (total_findings() > 1000 && total_findings() > sound) return held;
        uint64_t until = scan;
        if (options.rate > 0 && next_due < until && idle_count) until = next_due;
        if (held_until && held_until < until) until = held_until;
        wait_for_events(until);
        if (now < scan) continue;
        give_up_on_silent();
        scan = now + 100000000;
    }
}

static void print_result(uint64_t held) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double elapsed = (double)((options.hold ? now : last_end) - started) / 1e9;
    if (elapsed <= 0) elapsed = 1e-9;
    printf("{\"ok\":%llu,\"bad\":%llu,\"findings\":{", (unsigned long long)sound,
           (unsigned long long)total_findings());
    const char *comma = "";
    for (int i = 1; i < FINDING_COUNT; i++) {
        if (!findings[i]) continue;
        printf("%s\"%s\":%llu", comma, finding_names[i], (unsigned long long)findings[i]);
        comma = ",";
    }
    printf("},\"elapsed_s\":%.3f,\"requests_per_s\":%.1f,\"chunks\":%llu,\"chunks_per_s\":%.0f,\"events\":%llu,"
           "\"bytes\":%llu,\"held\":%llu,\"lost\":%llu,\"cpu_s\":%.3f",
           elapsed, (double)sound / elapsed, (unsigned long long)figures.chunks, (double)figures.chunks / elapsed,
           (unsigned long long)figures.events, (unsigned long long)figures.bytes, (unsigned long long)held,
           (unsigned long long)(options.hold ? held - (uint64_t)busy_count : 0),
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    histogram_print("latency", &latency);
    if (options.chunks) {
        histogram_print("first_chunk", &figures.first_chunk);
        histogram_print("relay", &figures.relay);
    }
    if (figures.example[0]) {
        printf(",\"example\":\"");
        for (const char *c = figures.example; *c; c++) putchar(*c == '"' || *c == '\\' || *c < 32 ? '\'' : *c);
        putchar('"');
    }
    printf("}\n");
}

static bool read_options(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "p:c:d:n:r:k:s:ug:t:f:m:H:b:o:")) != -1;) {
        size_t length = strlen(options.headers);
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'c': options.connections = atoi(optarg); break;
        case 'd': options.seconds = atof(optarg); break;
        case 'n': options.count = atol(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'k': options.hold = atoi(optarg); break;
        case 's': options.chunks = (uint32_t)atoi(optarg); break;
        case 'u': options.usage = true; break;
        case 'g': options.gap = (unsigned)atoi(optarg); break;
        case 't': options.wait = (unsigned)atoi(optarg); break;
        case 'f': options.fault = optarg; break;
        case 'm': options.model = optarg; break;
        case 'H': snprintf(options.headers + length, sizeof options.headers - length, "%s\r\n", optarg); break;
        case 'b': options.prompt = atoi(optarg); break;
        case 'o': options.patience = atof(optarg); break;
        default: return false;
        }
    }
    if (options.seconds <= 0) options.seconds = options.count || options.hold ? 600 : 5;
    return options.port > 0 && options.connections > 0 && (!options.hold || options.chunks);
}

int main(int argc, char **argv) {
    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: see the head of load.c\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    build_request();
    connections = calloc((size_t)options.connections, sizeof *connections);
    idle = calloc((size_t)options.connections, sizeof(Connection *));
    poller = epoll_create1(EPOLL_CLOEXEC);
    last_request_id = (uint32_t)clock_ns();
    srand48((long)last_request_id);
    connect_all();
    now = started = last_end = next_due = clock_ns();
    ends = now + (uint64_t)(options.seconds * 1e9);
    print_result(run());
    return total_findings() > 0;
}
