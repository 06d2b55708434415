#include "csimdjson.h"

#include <charconv>

#include "Builder.hpp"
#include "Scanner.hpp"

namespace {

thread_local millrace::Scanner scanner;

}

csimdjson_outcome csimdjson_scan(const uint8_t *text, size_t length) {
    csimdjson_outcome outcome = scanner.scan(text, length);
    if (outcome.error != CSIMDJSON_OK) { scanner.trim(); }
    return outcome;
}

csimdjson_outcome csimdjson_build(
    const uint8_t *text, uint32_t max_depth, csimdjson_node *nodes, uint32_t capacity
) {
    millrace::Builder builder(text, scanner.tokens(), scanner.count(), max_depth, nodes, capacity);
    csimdjson_outcome outcome = builder.build();
    scanner.trim();
    return outcome;
}

bool csimdjson_read_double(const uint8_t *text, size_t length, double *value) {
    const char *first = reinterpret_cast<const char *>(text);
    return std::from_chars(first, first + length, *value).ec == std::errc();
}
