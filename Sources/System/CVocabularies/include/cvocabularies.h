#ifndef MILLRACE_CVOCABULARIES_H
#define MILLRACE_CVOCABULARIES_H

#include <stddef.h>
#include <stdint.h>

/// A read-only part of the program; its pages are read when they are first used, and every worker shares them.
typedef struct {
    const uint8_t *_Nonnull start;
    size_t count;
} cvocabularies_table;

cvocabularies_table cvocabularies_cl100k_base(void);
cvocabularies_table cvocabularies_o200k_base(void);
/// The class of every Unicode scalar.
cvocabularies_table cvocabularies_classes(void);

#endif
