#include "Scanner.hpp"

namespace millrace {

namespace {

/// The length of the well-formed UTF-8 sequence at `text`, or 0 (RFC 3629: shortest form, no surrogates).
size_t sequence_length(const uint8_t *text, size_t left) {
    uint8_t lead = text[0];
    if (lead < 0x80) { return 1; }
    size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
    if (length == 0 || left < length) { return 0; }
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high) { return 0; }
    for (size_t place = 2; place < length; place++) {
        if ((text[place] & 0xC0) != 0x80) { return 0; }
    }
    return length;
}

}

uint32_t locate_invalid_utf8(const uint8_t *text, size_t length) noexcept {
    size_t place = 0;
    while (place < length) {
        size_t step = sequence_length(text + place, length - place);
        if (step == 0) { break; }
        place += step;
    }
    return static_cast<uint32_t>(place);
}

uint32_t locate_control_character(const uint8_t *text, size_t length) noexcept {
    bool in_string = false;
    for (size_t place = 0; place < length; place++) {
        uint8_t byte = text[place];
        if (in_string && byte < 0x20) { return static_cast<uint32_t>(place); }
        if (byte == '"') { in_string = !in_string; }
        if (byte == '\\' && place + 1 < length && text[place + 1] >= 0x20) { place++; }
    }
    return static_cast<uint32_t>(length);
}

uint32_t locate_unclosed_string(const uint8_t *text, size_t length) noexcept {
    size_t opening = length;
    bool in_string = false;
    for (size_t place = 0; place < length; place++) {
        if (text[place] == '"') {
            in_string = !in_string;
            opening = place;
        }
        if (text[place] == '\\') { place++; }
    }
    return static_cast<uint32_t>(opening);
}

}
