/* A histogram of durations in nanoseconds: 64 linear steps per power of two, so every figure is right to 1.6 %
 * from one nanosecond to hours, at constant cost and memory. */
#ifndef BENCHMARK_HISTOGRAM_H
#define BENCHMARK_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_SLOTS = HISTOGRAM_STEPS * 44 };

typedef struct {
    uint64_t slots[HISTOGRAM_SLOTS];
    uint64_t count, max;
} Histogram;

static inline unsigned histogram_slot(uint64_t value) {
    if (value < HISTOGRAM_STEPS) return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value); /* at least 6 */
    unsigned slot = (power - 5) * HISTOGRAM_STEPS + (unsigned)(value >> (power - 6)) - HISTOGRAM_STEPS;
    return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}

static inline void histogram_add(Histogram *h, uint64_t value) {
    h->slots[histogram_slot(value)]++;
    h->count++;
    if (value > h->max) h->max = value;
}

/* The smallest value that is not below `share` (0…1) of all values, in nanoseconds: the middle of its slot. */
static inline double histogram_percentile(const Histogram *h, double share) {
    uint64_t rank = (uint64_t)(share * (double)h->count), seen = 0;
    for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        seen += h->slots[slot];
        if (seen <= rank || h->slots[slot] == 0) continue;
        if (slot < HISTOGRAM_STEPS) return slot;
        unsigned power = slot / HISTOGRAM_STEPS + 5;
        double step = (double)(1ull << (power - 6));
        double middle = (slot % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 0.5) * step;
        return middle < (double)h->max ? middle : (double)h->max;
    }
    return (double)h->max;
}

static inline void histogram_print(const char *name, const Histogram *h) {
    printf(",\"%s_us\":{\"count\":%llu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name,
           (unsigned long long)h->count, histogram_percentile(h, 0.5) / 1e3, histogram_percentile(h, 0.9) / 1e3,
           histogram_percentile(h, 0.99) / 1e3, histogram_percentile(h, 0.999) / 1e3, (double)h->max / 1e3);
}

#endif
