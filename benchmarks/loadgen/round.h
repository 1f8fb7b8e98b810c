/* One round: the bytes that tell a server of one window of all instruments, written again and again with the next seq.

   Python makes the bytes (for Tickpack with the product's own packing), so that nothing here knows any server's format.
   The file: u32 count, then count times (u32 offset, u32 kind), then the bytes. Numbers in this machine's order. */
#ifndef ROUND_H
#define ROUND_H
#include <stdbool.h>
#include <stdint.h>

enum patch_kind { SEQ_TEN_DIGITS, SEQ_BIG_ENDIAN_32, END_MS_THIRTEEN_DIGITS };

/* Connects to the server's entrance for bars, says `hello` (a file, or NULL), and returns the descriptor. */
int round_open(const char *file, const char *hello, int port, uint64_t first_seq);
/* Begins to send the next round. */
void round_begin(void);
/* Sends on; true when the whole round has left. */
bool round_flush(void);
/* Throws away what the entrance answers; gives up when that is an error. */
void round_answers(void);
uint64_t round_count(void); /* rounds begun so far */
uint64_t round_first_seq(void);
/* When a round was begun; 0 for one that never was, or long ago. */
uint64_t round_begun_us(uint64_t seq);
#endif
