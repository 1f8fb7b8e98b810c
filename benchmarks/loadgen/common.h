/* What every part of the load generator uses: time, files, and how to give up. */
#ifndef COMMON_H
#define COMMON_H
#include <stddef.h>
#include <stdint.h>

struct bytes {
    char *at;
    size_t size;
};

/* Says why on stderr, with errno's words where there are any, and exits 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_us(void); /* monotonic */
struct bytes read_file(const char *path);
/* Returns a non-blocking TCP socket on its way to 127.0.0.1:port. */
int dial(int port);
#endif
