/* RFC 6455 frames, both directions, as far as a client that trusts its server needs them. */
#ifndef FRAMES_H
#define FRAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct frame {
    const char *payload;
    size_t size;
    size_t whole; /* header and payload */
    int opcode;
};

/* Reads the frame at `from`; false when it is not all there yet. */
static inline bool frame_read(const char *from, size_t available, struct frame *frame) {
    const uint8_t *head = (const uint8_t *)from;
    if (available < 2) return false;
    size_t size = head[1] & 127, start = 2;
    if (size == 126) {
        if (available < 4) return false;
        size = (size_t)head[2] << 8 | head[3];
        start = 4;
    } else if (size == 127) {
        if (available < 10) return false;
        size = 0;
        for (int i = 2; i < 10; i++) size = size << 8 | head[i];
        start = 10;
    }
    frame->payload = from + start;
    frame->size = size;
    frame->whole = start + size;
    frame->opcode = head[0] & 15;
    return frame->whole <= available;
}

/* Writes the header of a final frame and returns its size. A client's is masked, with the key 0, which changes nothing. */
static inline size_t frame_head(char *to, int opcode, size_t size, bool masked) {
    uint8_t *head = (uint8_t *)to;
    uint8_t mask = masked ? 128 : 0;
    size_t at = 2;
    head[0] = (uint8_t)(128 | opcode);
    if (size < 126) {
        head[1] = (uint8_t)(mask | size);
    } else if (size < 65536) {
        head[1] = mask | 126;
        head[2] = (uint8_t)(size >> 8);
        head[3] = (uint8_t)size;
        at = 4;
    } else {
        head[1] = mask | 127;
        for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        at = 10;
    }
    if (masked)
        for (int i = 0; i < 4; i++) head[at++] = 0;
    return at;
}
#endif
