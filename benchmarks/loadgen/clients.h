/* Many WebSocket clients on one epoll: they connect, ask, and count what comes.

   A crew is one set of clients that do the same. Its file: u32 count, then for each client u32 size and bytes of the
   HTTP request, u32 size and bytes of the first message. Python makes it; nothing here knows tokens or dialects. */
#ifndef CLIENTS_H
#define CLIENTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CREWS = 2 };
enum counting { BY_FRAME, BY_BRACE };

struct clients_options {
    int port;
    enum counting counting; /* BY_BRACE for NATS, which puts many messages into one frame: each ends with the only "}}" */
    const char *answer;     /* a client is open when a frame with this text came */
    int seq_at;             /* where in a bar its ten digits of seq begin */
    int sample;             /* every how manieth client's bars are read, not only counted */
    bool binary;            /* the first message is binary */
    int receive_bytes;      /* SO_RCVBUF; 0 leaves it to the kernel */
};

enum state { NEW, DIALLING, UPGRADING, WAITING, OPEN, GONE };

struct client {
    int fd, crew;
    enum state state;
    bool sampled, stalled;
    uint64_t bars;                 /* BY_BRACE: braces, two a bar */
    uint64_t seq_sum, seq_highest; /* of sampled clients */
    uint64_t disordered;
    struct {
        const char *at;
        uint32_t size;
    } request, first;
    char *tail; /* the beginning of a frame that is not all there */
    uint32_t tail_size;
    char *unsent;
    uint32_t unsent_size;
};

struct crew {
    struct client *all;
    uint32_t count, connected, open, gone, stalled;
    uint64_t bars; /* of all its clients */
};

void clients_setup(struct clients_options options, int extra_fd, void (*extra_ready)(void));
struct crew *clients_crew(int number);
void clients_read_file(int crew, const char *path);
/* Connects a crew, so many at a time, and waits until each has its answer or is gone; what is silent for 10 s stays. */
void clients_connect(int crew, uint32_t at_a_time);
/* Connects and upgrades a crew without its first message; clients_ask sends that to all of them. */
void clients_connect_silently(int crew, uint32_t at_a_time);
void clients_ask(int crew);
/* Handles what is ready, waiting for it so many ms at most. */
void clients_poll(int ms);
void clients_poll_until(uint64_t us);
/* Makes the first `count` clients of crew 0 stop reading. */
void clients_stall(uint32_t count);
/* Whether the latencies of sampled clients of crew 0 are recorded. */
void clients_record(bool on);
uint64_t clients_last_open_us(void);
uint64_t clients_bytes(void);
void clients_drop_all(void);
#endif
