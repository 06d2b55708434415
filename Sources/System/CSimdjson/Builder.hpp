#ifndef MILLRACE_BUILDER_HPP
#define MILLRACE_BUILDER_HPP

#include <cstdint>

#include "csimdjson.h"

namespace millrace {

/// The tokens that the first stage found: their offsets, followed by the length of the text.
struct Tokens {
    const uint8_t *text;
    const uint32_t *offsets;
    uint32_t count;
};

/// The second stage: walks the tokens once, checks the grammar of RFC 8259 and writes one node for each value and key.
csimdjson_outcome build(Tokens tokens, uint32_t max_depth, csimdjson_node *nodes, uint32_t capacity) noexcept;

}

#endif
