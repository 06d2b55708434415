#include "Builder.hpp"

#include <cstring>

namespace millrace {

namespace {

bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
bool is_digit(uint8_t byte) { return static_cast<uint8_t>(byte - '0') < 10; }
bool is_hex_digit(uint8_t byte) { return is_digit(byte) || static_cast<uint8_t>((byte | 0x20) - 'a') < 6; }

}

csimdjson_outcome Builder::build() noexcept {
    Step step = Step::value;
    for (;;) {
        switch (step) {
        case Step::value: step = value(); break;
        case Step::key: step = key(); break;
        case Step::separator: step = separator(); break;
        case Step::finished: return {CSIMDJSON_OK, 0, count_};
        case Step::refused: return {error_, offset_, 0};
        }
    }
}

Builder::Step Builder::value() noexcept {
    bool is_valid = false;
    switch (peek()) {
    case '"': is_valid = string(); break;
    case '{': return open(CSIMDJSON_OBJECT, '}', Step::key);
    case '[': return open(CSIMDJSON_ARRAY, ']', Step::value);
    case 't': is_valid = literal(CSIMDJSON_TRUE, "true", 4); break;
    case 'f': is_valid = literal(CSIMDJSON_FALSE, "false", 5); break;
    case 'n': is_valid = literal(CSIMDJSON_NULL, "null", 4); break;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        is_valid = number();
        break;
    default: return unexpected();
    }
    return is_valid ? Step::separator : Step::refused;
}

Builder::Step Builder::key() noexcept {
    if (peek() != '"') { return unexpected(); }
    if (!string()) { return Step::refused; }
    if (peek() != ':') { return unexpected(); }
    token_++;
    return Step::value;
}

Builder::Step Builder::separator() noexcept {
    if (container_ == none) {
        if (token_ == token_count_) { return Step::finished; }
        refuse(CSIMDJSON_TRAILING_CONTENT, tokens_[token_]);
        return Step::refused;
    }
    bool in_object = nodes_[container_].kind == CSIMDJSON_OBJECT;
    uint8_t byte = peek();
    if (byte == ',') {
        token_++;
        return in_object ? Step::key : Step::value;
    }
    return byte == (in_object ? '}' : ']') ? close() : unexpected();
}

Builder::Step Builder::open(csimdjson_kind kind, uint8_t closing, Step first) noexcept {
    uint32_t start = tokens_[token_];
    if (depth_ == max_depth_) {
        refuse(CSIMDJSON_TOO_DEEP, start);
        return Step::refused;
    }
    uint32_t index = count_;
    if (!add(kind, start, start)) { return Step::refused; }
    nodes_[index].next = container_;
    container_ = index;
    depth_++;
    token_++;
    return peek() == closing ? close() : first;
}

Builder::Step Builder::close() noexcept {
    csimdjson_node &node = nodes_[container_];
    container_ = node.next;
    node.end = tokens_[token_] + 1;
    node.next = count_;
    depth_--;
    token_++;
    return Step::separator;
}

/// Only white space can lie between a string's closing quote and the next token, so the quote is found from there.
bool Builder::string() noexcept {
    uint32_t start = tokens_[token_];
    uint32_t last = tokens_[++token_] - 1;
    while (last > start && is_space(text_[last])) { last--; }
    if (last == start || text_[last] != '"') { return refuse(CSIMDJSON_UNCLOSED_STRING, start); }
    if (!add(CSIMDJSON_STRING, start, last + 1)) { return false; }
    const void *backslash = std::memchr(text_ + start + 1, '\\', last - start - 1);
    if (backslash == nullptr) { return true; }
    nodes_[count_ - 1].is_escaped = true;
    return escapes(static_cast<uint32_t>(static_cast<const uint8_t *>(backslash) - text_), last);
}

/// The closing quote at `to` is not escaped, so there is always a byte behind a backslash.
bool Builder::escapes(uint32_t from, uint32_t to) noexcept {
    uint32_t place = from;
    for (;;) {
        switch (text_[place + 1]) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': place += 2; break;
        case 'u':
            for (uint32_t digit = place + 2; digit < place + 6; digit++) {
                if (digit >= to || !is_hex_digit(text_[digit])) { return refuse(CSIMDJSON_INVALID_ESCAPE, place); }
            }
            place += 6;
            break;
        default: return refuse(CSIMDJSON_INVALID_ESCAPE, place);
        }
        const void *backslash = std::memchr(text_ + place, '\\', to - place);
        if (backslash == nullptr) { return true; }
        place = static_cast<uint32_t>(static_cast<const uint8_t *>(backslash) - text_);
    }
}

bool Builder::number() noexcept {
    uint32_t start = tokens_[token_];
    uint32_t limit = tokens_[++token_];
    uint32_t place = start;
    bool is_integer = true;
    if (text_[place] == '-') { place++; }
    if (place < limit && text_[place] == '0') {
        place++;
    } else if (!digits(place, limit)) {
        return refuse(CSIMDJSON_INVALID_NUMBER, start);
    }
    if (place < limit && text_[place] == '.') {
        is_integer = false;
        if (!digits(++place, limit)) { return refuse(CSIMDJSON_INVALID_NUMBER, start); }
    }
    if (place < limit && (text_[place] | 0x20) == 'e') {
        is_integer = false;
        place++;
        if (place < limit && (text_[place] == '+' || text_[place] == '-')) { place++; }
        if (!digits(place, limit)) { return refuse(CSIMDJSON_INVALID_NUMBER, start); }
    }
    if (place < limit && !is_space(text_[place])) { return refuse(CSIMDJSON_INVALID_NUMBER, start); }
    if (!add(CSIMDJSON_NUMBER, start, place)) { return false; }
    nodes_[count_ - 1].is_integer = is_integer;
    return true;
}

/// Moves `place` over digits; false when there is none.
bool Builder::digits(uint32_t &place, uint32_t limit) noexcept {
    uint32_t first = place;
    while (place < limit && is_digit(text_[place])) { place++; }
    return place > first;
}

bool Builder::literal(csimdjson_kind kind, const char *spelling, uint32_t length) noexcept {
    uint32_t start = tokens_[token_];
    uint32_t limit = tokens_[++token_];
    bool is_valid = limit - start >= length && std::memcmp(text_ + start, spelling, length) == 0
        && (limit - start == length || is_space(text_[start + length]));
    return is_valid ? add(kind, start, start + length) : refuse(CSIMDJSON_INVALID_LITERAL, start);
}

bool Builder::add(csimdjson_kind kind, uint32_t start, uint32_t end) noexcept {
    if (count_ == capacity_) { return refuse(CSIMDJSON_TOO_MANY_VALUES, start); }
    csimdjson_node &node = nodes_[count_++];
    node.start = start;
    node.end = end;
    node.next = count_;
    node.kind = kind;
    node.is_escaped = false;
    node.is_integer = false;
    return true;
}

Builder::Step Builder::unexpected() noexcept {
    refuse(token_ < token_count_ ? CSIMDJSON_UNEXPECTED_CHARACTER : CSIMDJSON_UNEXPECTED_END, tokens_[token_]);
    return Step::refused;
}

bool Builder::refuse(csimdjson_error error, uint32_t offset) noexcept {
    error_ = error;
    offset_ = offset;
    return false;
}

}
