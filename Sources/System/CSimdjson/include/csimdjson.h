#ifndef MILLRACE_CSIMDJSON_H
#define MILLRACE_CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Why a text was refused. `OK` is zero.
typedef enum : uint8_t {
    CSIMDJSON_OK = 0,
    CSIMDJSON_EMPTY,
    CSIMDJSON_TOO_LONG,
    CSIMDJSON_TOO_DEEP,
    CSIMDJSON_TOO_MANY_VALUES,
    CSIMDJSON_OUT_OF_MEMORY,
    CSIMDJSON_INVALID_UTF8,
    CSIMDJSON_CONTROL_CHARACTER,
    CSIMDJSON_UNCLOSED_STRING,
    CSIMDJSON_INVALID_ESCAPE,
    CSIMDJSON_INVALID_NUMBER,
    CSIMDJSON_INVALID_LITERAL,
    CSIMDJSON_UNEXPECTED_CHARACTER,
    CSIMDJSON_UNEXPECTED_END,
    CSIMDJSON_TRAILING_CONTENT,
} csimdjson_error;

typedef enum : uint8_t {
    CSIMDJSON_NULL = 0,
    CSIMDJSON_FALSE,
    CSIMDJSON_TRUE,
    CSIMDJSON_NUMBER,
    CSIMDJSON_STRING,
    CSIMDJSON_ARRAY,
    CSIMDJSON_OBJECT,
} csimdjson_kind;

/// One value of a text. Nodes lie in source order: a container is followed by what it holds, and in an object the
/// node of each key (a string) is followed by the node of its value. Nothing is decoded.
typedef struct {
    /// Offset of the value's first byte; for a string, of its opening quote.
    uint32_t start;
    /// Offset after the value's last byte; for a string, after its closing quote.
    uint32_t end;
    /// The index of the first node behind this value and all it holds.
    uint32_t next;
    csimdjson_kind kind;
    /// A string that contains at least one backslash.
    bool is_escaped;
    /// A number with neither fraction nor exponent.
    bool is_integer;
} csimdjson_node;

typedef struct {
    csimdjson_error error;
    /// Where the text was refused, in bytes.
    uint32_t offset;
    /// After a scan, an upper bound of the number of nodes; after a build, the number of nodes.
    uint32_t count;
} csimdjson_outcome;

/// Finds the tokens of a text and checks its encoding and its strings. The result is kept, for the calling thread,
/// until its next scan.
csimdjson_outcome csimdjson_scan(const uint8_t *_Nullable text, size_t length);

/// Checks the grammar of the text that this thread scanned last and writes its nodes. Must follow each successful
/// scan, with the same bytes: it also gives back the memory that a long text needed.
csimdjson_outcome csimdjson_build(
    const uint8_t *_Nonnull text,
    uint32_t max_depth,
    csimdjson_node *_Nonnull nodes,
    uint32_t capacity
);

/// Reads a number that has passed the grammar. False when it is out of a double's range.
bool csimdjson_read_double(const uint8_t *_Nonnull text, size_t length, double *_Nonnull value);

#ifdef __cplusplus
}
#endif

#endif
