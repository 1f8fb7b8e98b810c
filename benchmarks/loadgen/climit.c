/* The limit of this machine: one thread that does nothing but what must be done for a fan-out.

   climit PORT FEED_PORT SYMBOLS

   Bars come as lines on FEED_PORT, SYMBOLS of them a round, the n-th for symbol n. A client's first message is a list
   of numbers ("3,17,40"); each round its bars are copied together and leave in one write. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "frames.h"

enum { MOST_SYMBOLS = 4096, FRAME_BYTES = 512, IN_BYTES = 8192, FEED_BYTES = 4 << 20, JOIN_BYTES = 1 << 20 };
/* The load generator always sends the key of RFC 6455's example, so its answer is a constant. */
static const char upgraded[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char answer[] = "{\"type\":\"subscribed\"}";

enum kind { LISTENER, FEED_LISTENER, CLIENT, FEED };

struct peer {
    int fd, kind, count;
    bool open;
    int *symbols;
    char *in, *unsent;
    size_t in_size, unsent_size;
    struct peer *next, *previous;
};

static int epoll, symbol_count, line_number;
static struct {
    char at[FRAME_BYTES];
    size_t size;
} frames[MOST_SYMBOLS];
static char joined[JOIN_BYTES];
static struct peer followers = {.next = &followers, .previous = &followers};

static void add(struct peer *peer) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event);
}

static void listen_on(struct peer *peer, int port, int kind) {
    int yes = 1;
    *peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0), .kind = kind};
    setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(peer->fd, (struct sockaddr *)&at, sizeof at) || listen(peer->fd, 4096)) die("port %d", port);
    add(peer);
}

static void drop(struct peer *peer) {
    if (peer->next) {
        peer->next->previous = peer->previous;
        peer->previous->next = peer->next;
    }
    close(peer->fd);
    free(peer->symbols);
    free(peer->in);
    free(peer->unsent);
    free(peer);
}

static void listen_for(struct peer *peer, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void send_bytes(struct peer *peer, const char *from, size_t size) {
    size_t sent = 0;
    if (!peer->unsent_size) {
        ssize_t taken = write(peer->fd, from, size);
        if (taken > 0) sent = (size_t)taken;
    }
    if (sent == size) return;
    peer->unsent = realloc(peer->unsent, peer->unsent_size + size - sent);
    if (!peer->unsent) die("no memory");
    memcpy(peer->unsent + peer->unsent_size, from + sent, size - sent);
    peer->unsent_size += size - sent;
    listen_for(peer, EPOLLIN | EPOLLOUT);
}

static void send_on(struct peer *peer) {
    ssize_t taken = write(peer->fd, peer->unsent, peer->unsent_size);
    if (taken <= 0) return;
    peer->unsent_size -= (size_t)taken;
    memmove(peer->unsent, peer->unsent + taken, peer->unsent_size);
    if (!peer->unsent_size) listen_for(peer, EPOLLIN);
}

static void fan_out(void) {
    for (struct peer *peer = followers.next; peer != &followers; peer = peer->next) {
        size_t size = 0;
        for (int i = 0; i < peer->count; i++) {
            int symbol = peer->symbols[i];
            memcpy(joined + size, frames[symbol].at, frames[symbol].size);
            size += frames[symbol].size;
        }
        send_bytes(peer, joined, size);
    }
}

static void read_feed(struct peer *peer) {
    ssize_t got = recv(peer->fd, peer->in + peer->in_size, FEED_BYTES - peer->in_size, 0);
    if (got <= 0) {
        drop(peer);
        return;
    }
    peer->in_size += (size_t)got;
    char *at = peer->in, *end = peer->in + peer->in_size, *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        size_t size = (size_t)(stop - at), head = frame_head(frames[line_number].at, TEXT, size, false);
        if (head + size > FRAME_BYTES) die("a bar of %zu bytes", size);
        memcpy(frames[line_number].at + head, at, size);
        frames[line_number].size = head + size;
        at = stop + 1;
        if (++line_number == symbol_count) {
            line_number = 0;
            fan_out();
        }
    }
    peer->in_size = (size_t)(end - at);
    memmove(peer->in, at, peer->in_size);
}

static void follow(struct peer *peer, char *numbers) {
    peer->symbols = malloc(sizeof(int) * MOST_SYMBOLS);
    if (!peer->symbols) die("no memory");
    for (char *rest = numbers; *rest; rest += *rest == ',') {
        int symbol = (int)strtol(rest, &rest, 10);
        if (symbol < 0 || symbol >= symbol_count || peer->count == MOST_SYMBOLS) die("no symbol %d", symbol);
        peer->symbols[peer->count++] = symbol;
    }
    peer->next = followers.next;
    peer->previous = &followers;
    followers.next->previous = peer;
    followers.next = peer;
    char text[64];
    size_t head = frame_head(text, TEXT, sizeof answer - 1, false);
    memcpy(text + head, answer, sizeof answer - 1);
    send_bytes(peer, text, head + sizeof answer - 1);
}

static void read_client(struct peer *peer) {
    ssize_t got = recv(peer->fd, peer->in + peer->in_size, IN_BYTES - 1 - peer->in_size, 0);
    if (got <= 0) {
        drop(peer);
        return;
    }
    peer->in_size += (size_t)got;
    peer->in[peer->in_size] = 0;
    if (!peer->open) {
        char *end = strstr(peer->in, "\r\n\r\n");
        if (!end) return;
        send_bytes(peer, upgraded, sizeof upgraded - 1);
        peer->open = true;
        peer->in_size -= (size_t)(end + 4 - peer->in);
        memmove(peer->in, end + 4, peer->in_size + 1);
    }
    struct frame frame;
    // A client's header has four more bytes, its mask; the load generator's is 0.
    if (peer->count || !frame_read(peer->in, peer->in_size, &frame) || frame.whole + 4 > peer->in_size) return;
    follow(peer, (char *)frame.payload + 4);
}

static void accept_one(struct peer *listener) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK), yes = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer) die("no memory");
    peer->fd = fd;
    peer->kind = listener->kind == FEED_LISTENER ? FEED : CLIENT;
    peer->in = malloc(peer->kind == FEED ? FEED_BYTES : IN_BYTES);
    add(peer);
}

int main(int count, char **words) {
    errno = 0;
    if (count != 4) die("climit PORT FEED_PORT SYMBOLS");
    symbol_count = atoi(words[3]);
    if (symbol_count < 1 || symbol_count > MOST_SYMBOLS) die("1 to %d symbols", MOST_SYMBOLS);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(0);
    struct peer listener, feed_listener;
    listen_on(&listener, atoi(words[1]), LISTENER);
    listen_on(&feed_listener, atoi(words[2]), FEED_LISTENER);
    for (;;) {
        // One event a turn: a peer that a turn has dropped can then not be in the same list again.
        struct epoll_event ready;
        if (epoll_wait(epoll, &ready, 1, -1) != 1) continue;
        struct peer *peer = ready.data.ptr;
        if (peer->kind == LISTENER || peer->kind == FEED_LISTENER) accept_one(peer);
        else if (peer->kind == FEED) read_feed(peer);
        else if (ready.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_client(peer);
        else send_on(peer);
    }
}
