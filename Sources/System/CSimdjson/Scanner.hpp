#ifndef MILLRACE_SCANNER_HPP
#define MILLRACE_SCANNER_HPP

#include <simdjson.h>

#include <cstdint>
#include <memory>

#include "csimdjson.h"

namespace millrace {

/// simdjson's first stage with its memory: finds where tokens start, and checks UTF-8, the end of strings and control
/// characters in them. One lives in each thread that reads JSON, so no lock is needed.
class Scanner {
public:
    csimdjson_outcome scan(const uint8_t *text, size_t length) noexcept;

    /// The offset of each token, followed by the length of the text.
    const uint32_t *tokens() const noexcept { return stage_->structural_indexes.get(); }
    uint32_t count() const noexcept { return stage_ ? stage_->n_structural_indexes : 0; }

    /// Gives memory back after a long text; what short texts need is kept.
    void trim() noexcept;

private:
    bool reserve(size_t length) noexcept;
    const uint8_t *padded(const uint8_t *text, size_t length) noexcept;

    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
    std::unique_ptr<uint8_t[]> copy_;
    size_t copy_capacity_ = 0;
};

/// Finds the byte at which the first stage must have stumbled, which it does not tell. Only refused texts pay for it.
uint32_t locate_invalid_utf8(const uint8_t *text, size_t length) noexcept;
uint32_t locate_control_character(const uint8_t *text, size_t length) noexcept;
uint32_t locate_unclosed_string(const uint8_t *text, size_t length) noexcept;

}

#endif
