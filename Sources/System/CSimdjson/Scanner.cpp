#include "Scanner.hpp"

#include <cstring>
#include <new>

namespace millrace {

namespace {

/// Texts up to this length reuse the scanner's memory, which is then at most four times as large.
constexpr size_t kept_capacity = 64 * 1024;
constexpr size_t first_capacity = 4 * 1024;
constexpr size_t page_size = 4096;

csimdjson_outcome refused(csimdjson_error error, uint32_t offset = 0) { return {error, offset, 0}; }

}

csimdjson_outcome Scanner::scan(const uint8_t *text, size_t length) noexcept {
    if (length == 0) { return refused(CSIMDJSON_EMPTY); }
    if (length > simdjson::SIMDJSON_MAXSIZE_BYTES - simdjson::SIMDJSON_PADDING) { return refused(CSIMDJSON_TOO_LONG); }
    if (!reserve(length)) { return refused(CSIMDJSON_OUT_OF_MEMORY); }
    const uint8_t *input = padded(text, length);
    if (input == nullptr) { return refused(CSIMDJSON_OUT_OF_MEMORY); }

    switch (stage_->stage1(input, length, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS: return {CSIMDJSON_OK, 0, stage_->n_structural_indexes};
    case simdjson::EMPTY: return refused(CSIMDJSON_EMPTY);
    case simdjson::UTF8_ERROR: return refused(CSIMDJSON_INVALID_UTF8, locate_invalid_utf8(text, length));
    case simdjson::UNESCAPED_CHARS:
        return refused(CSIMDJSON_CONTROL_CHARACTER, locate_control_character(text, length));
    case simdjson::UNCLOSED_STRING: return refused(CSIMDJSON_UNCLOSED_STRING, locate_unclosed_string(text, length));
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC: return refused(CSIMDJSON_OUT_OF_MEMORY);
    default: return refused(CSIMDJSON_UNEXPECTED_CHARACTER);
    }
}

void Scanner::trim() noexcept {
    if (stage_ && stage_->capacity() > kept_capacity) { stage_.reset(); }
    if (copy_capacity_ > kept_capacity) {
        copy_.reset();
        copy_capacity_ = 0;
    }
}

bool Scanner::reserve(size_t length) noexcept {
    if (stage_ && stage_->capacity() >= length) { return true; }
    size_t capacity = length;
    if (length <= kept_capacity) {
        capacity = first_capacity;
        while (capacity < length) { capacity *= 2; }
    }
    if (stage_) { return stage_->set_capacity(capacity) == simdjson::SUCCESS; }
    // The depth sizes memory of simdjson's own second stage, which is not used.
    return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stage_)
        == simdjson::SUCCESS;
}

/// The first stage wants some readable bytes behind the text. Where those lie in the page of the text's last byte,
/// they are there, whoever owns them; only a text that ends near the end of a page is copied.
const uint8_t *Scanner::padded(const uint8_t *text, size_t length) noexcept {
    uintptr_t last = reinterpret_cast<uintptr_t>(text + length - 1);
    if (last % page_size + simdjson::SIMDJSON_PADDING < page_size) { return text; }

    size_t needed = length + simdjson::SIMDJSON_PADDING;
    if (copy_capacity_ < needed) {
        size_t capacity = needed < first_capacity ? first_capacity : needed;
        copy_.reset(new (std::nothrow) uint8_t[capacity]);
        copy_capacity_ = copy_ ? capacity : 0;
        if (!copy_) { return nullptr; }
    }
    std::memcpy(copy_.get(), text, length);
    std::memset(copy_.get() + length, ' ', simdjson::SIMDJSON_PADDING);
    return copy_.get();
}

}
