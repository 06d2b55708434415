#ifndef MILLRACE_BUILDER_HPP
#define MILLRACE_BUILDER_HPP

#include <cstdint>

#include "csimdjson.h"

namespace millrace {

/// The second stage: walks the tokens once, checks the grammar of RFC 8259 and writes one node for each value and key.
///
/// It never recurses and needs no stack: while a container is open, its node's `next` holds the index of the container
/// around it. Every token ends at the latest where the next one starts, which bounds all reading.
class Builder {
public:
    Builder(const uint8_t *text, const uint32_t *tokens, uint32_t token_count, uint32_t max_depth,
            csimdjson_node *nodes, uint32_t capacity) noexcept
        : text_(text), tokens_(tokens), token_count_(token_count), max_depth_(max_depth), nodes_(nodes),
          capacity_(capacity) {}

    csimdjson_outcome build() noexcept;

private:
    enum class Step : uint8_t { value, key, separator, finished, refused };

    Step value() noexcept;
    Step key() noexcept;
    Step separator() noexcept;
    Step open(csimdjson_kind kind, uint8_t closing, Step first) noexcept;
    Step close() noexcept;

    bool string() noexcept;
    bool number() noexcept;
    bool literal(csimdjson_kind kind, const char *spelling, uint32_t length) noexcept;
    bool escapes(uint32_t from, uint32_t to) noexcept;
    bool digits(uint32_t &place, uint32_t limit) noexcept;
    bool add(csimdjson_kind kind, uint32_t start, uint32_t end) noexcept;

    /// The first byte of the next token, or 0 at the end.
    uint8_t peek() const noexcept { return token_ < token_count_ ? text_[tokens_[token_]] : 0; }
    Step unexpected() noexcept;
    bool refuse(csimdjson_error error, uint32_t offset) noexcept;

    static constexpr uint32_t none = UINT32_MAX;

    const uint8_t *text_;
    const uint32_t *tokens_;
    uint32_t token_count_;
    uint32_t max_depth_;
    csimdjson_node *nodes_;
    uint32_t capacity_;

    uint32_t token_ = 0;
    uint32_t count_ = 0;
    uint32_t depth_ = 0;
    uint32_t container_ = none;
    csimdjson_error error_ = CSIMDJSON_OK;
    uint32_t offset_ = 0;
};

}

#endif
