#define _GNU_SOURCE
#include "gauge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { STEPS = 10000000 };
static uint32_t steps[STEPS];
static uint64_t count;

void latency_clear(void) {
    memset(steps, 0, sizeof steps);
    count = 0;
}

void latency_add(uint64_t us) {
    steps[us < STEPS ? us : STEPS - 1]++;
    count++;
}

uint64_t latency_count(void) { return count; }

double latency_ms(double quantile) {
    uint64_t wanted = (uint64_t)((double)count * quantile), seen = 0;
    for (int us = 0; us < STEPS; us++)
        if ((seen += steps[us]) > wanted) return us / 1000.0;
    return 0;
}

static double cpu_of(long pid) {
    char path[400];
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *threads = opendir(path);
    if (!threads) return 0;
    double seconds = 0;
    struct dirent *thread;
    while ((thread = readdir(threads))) {
        if (thread->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", pid, thread->d_name);
        FILE *file = fopen(path, "r");
        unsigned long long ns;
        if (!file) continue;
        if (fscanf(file, "%llu", &ns) == 1) seconds += (double)ns * 1e-9;
        fclose(file);
    }
    closedir(threads);
    return seconds;
}

static long resident_of(long pid) {
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
    fclose(file);
    return kb;
}

double cpu_seconds(const char *pids) {
    double seconds = 0;
    for (char *rest = (char *)pids; *rest; rest += *rest == ',') seconds += cpu_of(strtol(rest, &rest, 10));
    return seconds;
}

long resident_kb(const char *pids) {
    long kb = 0;
    for (char *rest = (char *)pids; *rest; rest += *rest == ',') kb += resident_of(strtol(rest, &rest, 10));
    return kb;
}

double own_cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}
