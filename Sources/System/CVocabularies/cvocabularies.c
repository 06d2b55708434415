#include "cvocabularies.h"

// #embed finds its file beside this one in whatever checkout, and costs the compiler nothing.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const _Alignas(8) uint8_t cl100k_base[] = {
#embed "Tables/cl100k_base.bin"
};

static const _Alignas(8) uint8_t o200k_base[] = {
#embed "Tables/o200k_base.bin"
};

static const _Alignas(8) uint8_t classes[] = {
#embed "Tables/classes.bin"
};

cvocabularies_table cvocabularies_cl100k_base(void) {
    return (cvocabularies_table){cl100k_base, sizeof(cl100k_base)};
}

cvocabularies_table cvocabularies_o200k_base(void) { return (cvocabularies_table){o200k_base, sizeof(o200k_base)}; }

cvocabularies_table cvocabularies_classes(void) { return (cvocabularies_table){classes, sizeof(classes)}; }
