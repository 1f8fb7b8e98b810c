#define _GNU_SOURCE
#include "round.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common.h"

enum { WINDOW_MS = 1500, REMEMBERED = 65536, OUT_BYTES = 16 << 20 };

struct patch {
    uint32_t offset, kind;
};

static struct patch *patches;
static uint32_t patch_count;
static struct bytes round_bytes;
static size_t sent;
static int entrance;
static uint64_t first_seq, begun;
static uint64_t begun_us[REMEMBERED];

static void write_digits(char *to, uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value /= 10) to[i] = (char)('0' + value % 10);
}

static void write_seq(char *to, uint32_t kind, uint64_t seq) {
    switch (kind) {
    case SEQ_TEN_DIGITS:
        write_digits(to, seq, 10);
        break;
    case END_MS_THIRTEEN_DIGITS:
        write_digits(to, seq * WINDOW_MS, 13);
        break;
    case SEQ_BIG_ENDIAN_32:
        for (int i = 0; i < 4; i++) to[i] = (char)(seq >> (24 - 8 * i));
        break;
    default:
        errno = 0;
        die("the round has a patch of the unknown kind %u", kind);
    }
}

int round_open(const char *file, const char *hello, int port, uint64_t first) {
    struct bytes whole = read_file(file);
    memcpy(&patch_count, whole.at, sizeof patch_count);
    patches = (struct patch *)(whole.at + sizeof patch_count);
    size_t head = sizeof patch_count + patch_count * sizeof *patches;
    round_bytes = (struct bytes){whole.at + head, whole.size - head};
    sent = round_bytes.size;
    first_seq = first;
    entrance = dial(port);
    int room = OUT_BYTES;
    setsockopt(entrance, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    struct pollfd ready = {.fd = entrance, .events = POLLOUT};
    if (poll(&ready, 1, 5000) != 1) die("no answer on port %d", port);
    if (hello) {
        struct bytes words = read_file(hello);
        if (send(entrance, words.at, words.size, MSG_NOSIGNAL) != (ssize_t)words.size) die("cannot say hello");
        free(words.at);
    }
    return entrance;
}

void round_begin(void) {
    uint64_t seq = first_seq + begun;
    for (uint32_t i = 0; i < patch_count; i++) write_seq(round_bytes.at + patches[i].offset, patches[i].kind, seq);
    begun_us[seq % REMEMBERED] = now_us();
    begun++;
    sent = 0;
}

bool round_flush(void) {
    while (sent < round_bytes.size) {
        ssize_t taken = send(entrance, round_bytes.at + sent, round_bytes.size - sent, MSG_NOSIGNAL);
        if (taken < 0) {
            if (errno == EAGAIN) return false;
            die("the entrance for bars is gone");
        }
        sent += (size_t)taken;
    }
    return true;
}

void round_answers(void) {
    static char answer[65536];
    ssize_t got = recv(entrance, answer, sizeof answer - 1, 0);
    if (got == 0) die("the entrance for bars was closed");
    if (got < 0) return;
    answer[got] = 0;
    errno = 0;
    if (answer[0] == '-') die("the entrance for bars said: %.*s", (int)strcspn(answer, "\r\n"), answer);
    // NATS asks whether we are still there.
    if (strstr(answer, "PING\r\n") && send(entrance, "PONG\r\n", 6, MSG_NOSIGNAL) != 6) die("cannot answer a ping");
}

uint64_t round_count(void) { return begun; }

uint64_t round_first_seq(void) { return first_seq; }

uint64_t round_begun_us(uint64_t seq) {
    if (seq < first_seq || seq >= first_seq + begun || seq + REMEMBERED < first_seq + begun) return 0;
    return begun_us[seq % REMEMBERED];
}
