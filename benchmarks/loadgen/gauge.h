/* What is measured: latencies, the CPU that processes use, their memory. */
#ifndef GAUGE_H
#define GAUGE_H
#include <stdint.h>

/* Latencies, in steps of 1 us up to 10 s. */
void latency_clear(void);
void latency_add(uint64_t us);
uint64_t latency_count(void);
double latency_ms(double quantile);

/* `pids` is "12,34" or "". Seconds on a CPU so far, all threads, to the nanosecond (/proc/PID/task/.../schedstat);
   a thread that has ended is not counted. */
double cpu_seconds(const char *pids);
double own_cpu_seconds(void);
long resident_kb(const char *pids);
#endif
