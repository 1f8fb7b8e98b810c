#define _GNU_SOURCE
#include "clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "frames.h"
#include "gauge.h"
#include "round.h"

enum { INBOX_BYTES = 1 << 20, EVENTS = 512, COMPLAINTS = 3, UNANSWERED_US = 10000000, SEQ_DIGITS = 10 };

static struct clients_options options;
static struct crew crews[CREWS];
static int epoll, extra = -1;
static void (*when_extra_ready)(void);
static char inbox[INBOX_BYTES];
static uint64_t received_bytes, received_us, last_open_us;
static bool recording, silent;

void clients_setup(struct clients_options wanted, int extra_fd, void (*extra_ready)(void)) {
    options = wanted;
    epoll = epoll_create1(0);
    extra = extra_fd;
    when_extra_ready = extra_ready;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (extra >= 0) epoll_ctl(epoll, EPOLL_CTL_ADD, extra, &event);
}

struct crew *clients_crew(int number) { return &crews[number]; }

static void listen_for(struct client *client, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event);
}

static void lose(struct client *client, const char *why) {
    static int complaints;
    struct crew *crew = &crews[client->crew];
    if (client->state == GONE) return;
    if (!client->stalled && complaints++ < COMPLAINTS)
        fprintf(stderr, "loadgen: client %ld of crew %d is gone after %llu bars: %.300s\n", (long)(client - crew->all),
                client->crew, (unsigned long long)client->bars, why);
    if (client->state == OPEN) crew->open--;
    if (client->stalled) crew->stalled--;
    client->state = GONE;
    crew->gone++;
    close(client->fd);
}

/* -- sending ------------------------------------------------------------------------------------------------------ */

static void send_on(struct client *client) {
    uint32_t sent = 0;
    while (sent < client->unsent_size) {
        ssize_t taken = send(client->fd, client->unsent + sent, client->unsent_size - sent, MSG_NOSIGNAL);
        if (taken <= 0) break;
        sent += (uint32_t)taken;
    }
    client->unsent_size -= sent;
    memmove(client->unsent, client->unsent + sent, client->unsent_size);
    listen_for(client, EPOLLIN | (client->unsent_size ? EPOLLOUT : 0));
}

static void say(struct client *client, const char *head, size_t head_size, const char *body, size_t size) {
    client->unsent = realloc(client->unsent, client->unsent_size + head_size + size + 1);
    if (!client->unsent) die("no memory");
    memcpy(client->unsent + client->unsent_size, head, head_size);
    memcpy(client->unsent + client->unsent_size + head_size, body, size);
    client->unsent_size += (uint32_t)(head_size + size);
    send_on(client);
}

static void say_frame(struct client *client, int opcode, const char *payload, size_t size) {
    char head[14];
    say(client, head, frame_head(head, opcode, size, true), payload, size);
}

static void ask(struct client *client) {
    client->state = WAITING;
    say_frame(client, options.binary ? BINARY : TEXT, client->first.at, client->first.size);
}

/* -- counting ----------------------------------------------------------------------------------------------------- */

static void note_seq(struct client *client, const char *digits) {
    uint64_t seq = 0;
    for (int i = 0; i < SEQ_DIGITS; i++) seq = seq * 10 + (uint64_t)(digits[i] - '0');
    client->seq_sum += seq;
    if (seq < client->seq_highest)
        client->disordered++;
    else
        client->seq_highest = seq;
    if (!recording || client->crew != 0) return;
    uint64_t begun = round_begun_us(seq);
    if (begun) latency_add(received_us > begun ? received_us - begun : 0);
}

static void count_braces(struct client *client, const struct frame *frame) {
    const char *at = frame->payload, *end = at + frame->size;
    while ((at = memchr(at, '}', (size_t)(end - at)))) {
        client->bars++;
        // Counted when the second brace is there, so that a message cut in two is one all the same.
        if (client->bars % 2 == 0) crews[client->crew].bars++;
        at++;
    }
    if (!client->sampled) return;
    static const char name[] = "\"seq\":";
    at = frame->payload;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1))) {
        at += sizeof name - 1;
        if (at + SEQ_DIGITS <= end) note_seq(client, at);
    }
}

static void take_message(struct client *client, const struct frame *frame) {
    static const char bar[] = "{\"type\":\"kline\"";
    if (client->state == WAITING) {
        static int complaints;
        if (memmem(frame->payload, frame->size, "\"error\"", 7) && complaints++ < COMPLAINTS)
            fprintf(stderr, "loadgen: a client asked and heard: %.*s\n", (int)frame->size, frame->payload);
        if (!memmem(frame->payload, frame->size, options.answer, strlen(options.answer))) return;
        client->state = OPEN;
        crews[client->crew].open++;
        last_open_us = received_us;
    } else if (options.counting == BY_BRACE) {
        count_braces(client, frame);
    } else if (frame->size > sizeof bar && memcmp(frame->payload, bar, sizeof bar - 1) == 0) {
        client->bars++;
        crews[client->crew].bars++;
        if (client->sampled) note_seq(client, frame->payload + options.seq_at);
    }
}

static void take_frame(struct client *client, const struct frame *frame) {
    if (frame->opcode == PING) {
        say_frame(client, PONG, frame->payload, frame->size);
    } else if (frame->opcode == CLOSE) {
        char why[160];
        const uint8_t *code = (const uint8_t *)frame->payload;
        snprintf(why, sizeof why, "closed with %d %.*s", frame->size >= 2 ? code[0] << 8 | code[1] : 1005,
                 (int)(frame->size > 2 ? frame->size - 2 : 0), frame->payload + 2);
        lose(client, why);
    } else if (frame->opcode != PONG) {
        take_message(client, frame);
    }
}

/* -- receiving ---------------------------------------------------------------------------------------------------- */

/* Returns the size of the server's answer to the upgrade, 0 while it is not all there. */
static size_t take_upgrade(struct client *client, size_t available) {
    const char *end = memmem(inbox, available, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(inbox, "HTTP/1.1 101", 12) != 0) {
        inbox[available < INBOX_BYTES ? available : INBOX_BYTES - 1] = 0;
        lose(client, inbox);
    } else if (silent) {
        client->state = WAITING;
    } else {
        ask(client);
    }
    return (size_t)(end + 4 - inbox);
}

static void keep_tail(struct client *client, const char *from, size_t size) {
    if (size > client->tail_size) {
        client->tail = realloc(client->tail, size);
        if (!client->tail) die("no memory");
    }
    memcpy(client->tail, from, size);
    client->tail_size = (uint32_t)size;
}

static void on_readable(struct client *client) {
    size_t at = 0, available = client->tail_size;
    memcpy(inbox, client->tail, available);
    ssize_t got = recv(client->fd, inbox + available, INBOX_BYTES - available, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) lose(client, got == 0 ? "end of file" : strerror(errno));
        return;
    }
    received_us = now_us();
    received_bytes += (uint64_t)got;
    available += (size_t)got;
    if (client->state == UPGRADING) at = take_upgrade(client, available);
    struct frame frame;
    while (client->state > UPGRADING && client->state < GONE && frame_read(inbox + at, available - at, &frame)) {
        take_frame(client, &frame);
        at += frame.whole;
    }
    if (client->state == GONE) return;
    if (available == INBOX_BYTES && at == 0) die("a frame is larger than %d bytes", INBOX_BYTES);
    if (available != at)
        keep_tail(client, inbox + at, available - at);
    else
        client->tail_size = 0; // its room stays
}

static void on_dialled(struct client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        lose(client, strerror(error));
        return;
    }
    client->state = UPGRADING;
    say(client, "", 0, client->request.at, client->request.size);
}

static void on_event(struct client *client, uint32_t events) {
    if (client->state == GONE) return;
    if (client->state == DIALLING) {
        on_dialled(client);
    } else if (client->stalled) {
        // It asked for nothing but the end of the connection.
        lose(client, "stalled");
    } else {
        if (events & EPOLLOUT) send_on(client);
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(client);
    }
}

void clients_poll(int ms) {
    struct epoll_event ready[EVENTS];
    int count = epoll_wait(epoll, ready, EVENTS, ms);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr)
            on_event(ready[i].data.ptr, ready[i].events);
        else
            when_extra_ready();
    }
}

void clients_poll_until(uint64_t us) {
    for (uint64_t now; (now = now_us()) < us;) {
        uint64_t left = us - now;
        clients_poll(left > 2000 ? (int)(left / 1000) - 1 : 0); // the last 2 ms without sleeping: a round is due then
    }
}

/* -- crews -------------------------------------------------------------------------------------------------------- */

void clients_read_file(int number, const char *path) {
    struct crew *crew = &crews[number];
    struct bytes file = read_file(path);
    memcpy(&crew->count, file.at, 4);
    crew->all = calloc(crew->count, sizeof *crew->all);
    if (!crew->all) die("no memory");
    const char *at = file.at + 4;
    for (uint32_t i = 0; i < crew->count; i++) {
        struct client *client = &crew->all[i];
        client->crew = number;
        client->sampled = i % (uint32_t)options.sample == 0;
        memcpy(&client->request.size, at, 4);
        client->request.at = at + 4;
        at += 4 + client->request.size;
        memcpy(&client->first.size, at, 4);
        client->first.at = at + 4;
        at += 4 + client->first.size;
    }
}

static void start(struct client *client) {
    client->fd = dial(options.port);
    client->state = DIALLING;
    if (options.receive_bytes)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &options.receive_bytes, sizeof options.receive_bytes);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

static uint32_t settled(const struct crew *crew) {
    if (!silent) return crew->open + crew->gone;
    uint32_t count = 0;
    for (uint32_t i = 0; i < crew->connected; i++) count += crew->all[i].state >= WAITING;
    return count;
}

void clients_connect(int number, uint32_t at_a_time) {
    struct crew *crew = &crews[number];
    uint32_t settled_then = 0;
    uint64_t since = now_us();
    while (settled(crew) < crew->count && now_us() - since < UNANSWERED_US) {
        while (crew->connected < crew->count && crew->connected - settled(crew) < at_a_time)
            start(&crew->all[crew->connected++]);
        clients_poll(100);
        if (settled(crew) == settled_then) continue;
        settled_then = settled(crew);
        since = now_us();
    }
}

void clients_connect_silently(int number, uint32_t at_a_time) {
    silent = true;
    clients_connect(number, at_a_time);
    silent = false;
}

void clients_ask(int number) {
    struct crew *crew = &crews[number];
    for (uint32_t i = 0; i < crew->count; i++)
        if (crew->all[i].state == WAITING) ask(&crew->all[i]);
}

void clients_stall(uint32_t count) {
    struct crew *crew = &crews[0];
    for (uint32_t i = 0; i < count && i < crew->count; i++) {
        struct client *client = &crew->all[i];
        if (client->state != OPEN) continue;
        client->stalled = true;
        crew->stalled++;
        listen_for(client, EPOLLRDHUP);
    }
}

void clients_record(bool on) { recording = on; }

uint64_t clients_last_open_us(void) { return last_open_us; }

uint64_t clients_bytes(void) { return received_bytes; }

void clients_drop_all(void) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int number = 0; number < CREWS; number++)
        for (uint32_t i = 0; i < crews[number].count; i++) {
            struct client *client = &crews[number].all[i];
            if (client->state == NEW || client->state == GONE) continue;
            setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close(client->fd);
        }
}
