/* The load generator: subscriber, publisher and recorder in one thread, so the loop is closed.

   loadgen OPTIONS PHASE ...      prints one line of JSON for connecting, for each phase, and for the check at the end

   saturate:WARM:SECONDS          round r is published when all of round r-2 has arrived; measured after WARM seconds
   paced:PERIOD:WARM:ROUNDS       a round every PERIOD seconds, measured after WARM rounds
   stall:COUNT                    the first COUNT clients stop reading from now on
   storm:PERIOD:ROUNDS            crew 1 asks at once, then as paced; latencies are crew 0's while crew 1 catches up
   hold:SECONDS                   nothing is published */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clients.h"
#include "common.h"
#include "gauge.h"
#include "round.h"

enum { IN_FLIGHT = 2, SILENCE_US = 3000000, UNANSWERED_US = 10000000 };

static const char *server_pids = "", *store_pids = "";
static uint64_t bars_per_round = 50, storm_per_round, storm_since;
static uint64_t owed, lost; /* bars that crew 0 should have had by now; those given up */
static uint64_t silent_since_us;
static uint32_t at_a_time = 64;
static double drain_seconds = 10;

/* -- a measured stretch ------------------------------------------------------------------------------------------- */

static struct {
    uint64_t us, bars, bytes, rounds;
    double server, store, own;
} before;

static void measure(void) {
    latency_clear();
    clients_record(true);
    before.us = now_us();
    before.bars = clients_crew(0)->bars;
    before.bytes = clients_bytes();
    before.rounds = round_count();
    before.server = cpu_seconds(server_pids);
    before.store = cpu_seconds(store_pids);
    before.own = own_cpu_seconds();
}

/* Prints what was measured; the caller ends the line, perhaps after figures of its own. */
static void tell(const char *phase) {
    double seconds = (double)(now_us() - before.us) * 1e-6;
    uint64_t bars = clients_crew(0)->bars - before.bars;
    clients_record(false);
    printf("{\"phase\":\"%s\",\"seconds\":%.4f,\"deliveries\":%llu,\"bytes\":%llu,\"rounds\":%llu,", phase, seconds,
           (unsigned long long)bars, (unsigned long long)(clients_bytes() - before.bytes),
           (unsigned long long)(round_count() - before.rounds));
    printf("\"server_cpu_s\":%.4f,\"store_cpu_s\":%.4f,\"own_cpu_s\":%.4f,", cpu_seconds(server_pids) - before.server,
           cpu_seconds(store_pids) - before.store, own_cpu_seconds() - before.own);
    printf("\"latencies\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"rss_kb\":%ld,\"gone\":%u,\"at_us\":%llu",
           (unsigned long long)latency_count(), latency_ms(.5), latency_ms(.99), resident_kb(server_pids),
           clients_crew(0)->gone, (unsigned long long)now_us());
}

static void end_line(void) {
    printf("}\n");
    fflush(stdout);
}

/* -- publishing --------------------------------------------------------------------------------------------------- */

static uint64_t still_due(void) {
    uint64_t bars = clients_crew(0)->bars;
    return bars < owed ? owed - bars : 0;
}

static void publish(void) {
    struct crew *crew = clients_crew(0);
    if (!still_due()) silent_since_us = now_us();
    round_begin();
    owed += bars_per_round * (crew->open - crew->stalled);
    while (!round_flush()) clients_poll(1);
}

/* Gives up what has not come when nothing at all comes for a while: a peer may drop, and the loop must not hang. */
static void notice_silence(void) {
    static uint64_t bars_then;
    uint64_t bars = clients_crew(0)->bars;
    if (bars != bars_then || !still_due()) {
        bars_then = bars;
        silent_since_us = now_us();
    } else if (now_us() - silent_since_us > SILENCE_US) {
        lost += still_due();
        owed = bars;
    }
}

static void drain(void) {
    uint64_t deadline = now_us() + (uint64_t)(drain_seconds * 1e6);
    while (still_due() && now_us() < deadline) {
        clients_poll(5);
        notice_silence();
    }
}

/* -- phases ------------------------------------------------------------------------------------------------------- */

static void connect_all(void) {
    struct crew *crew = clients_crew(0);
    long rss = resident_kb(server_pids);
    double cpu = cpu_seconds(server_pids), own = own_cpu_seconds();
    uint64_t begun = now_us();
    clients_connect(0, at_a_time);
    // The last that came, not the last that was waited for in vain.
    double seconds = (double)(clients_last_open_us() - begun) * 1e-6;
    cpu = cpu_seconds(server_pids) - cpu;
    own = own_cpu_seconds() - own;
    clients_poll_until(now_us() + 1000000); // what a server does after an upgrade belongs to the memory of a connection
    printf("{\"phase\":\"connect\",\"seconds\":%.4f,\"open\":%u,\"gone\":%u,\"unanswered\":%u,\"server_cpu_s\":%.4f,\"own_cpu_s\":%.4f,"
           "\"rss_before_kb\":%ld,\"rss_kb\":%ld",
           seconds, crew->open, crew->gone, crew->count - crew->open - crew->gone, cpu, own, rss, resident_kb(server_pids));
    end_line();
    errno = 0;
    if (!crew->open) die("no client is open");
}

static void saturate(double warm, double seconds) {
    uint64_t measured_from = now_us() + (uint64_t)(warm * 1e6), end = measured_from + (uint64_t)(seconds * 1e6);
    uint64_t round_bars = bars_per_round * clients_crew(0)->open, now;
    bool measuring = false;
    while ((now = now_us()) < end) {
        if (!measuring && now >= measured_from) {
            measuring = true;
            measure();
        }
        if (still_due() <= (IN_FLIGHT - 1) * round_bars) publish();
        clients_poll(5);
        notice_silence();
    }
    tell("saturate");
    end_line();
    drain();
}

static void paced(double period, int warm, int rounds) {
    uint64_t begun = now_us();
    for (int i = 0; i < warm + rounds; i++) {
        clients_poll_until(begun + (uint64_t)(i * period * 1e6));
        if (i == warm) measure();
        publish();
    }
    clients_poll_until(begun + (uint64_t)((warm + rounds) * period * 1e6));
    tell("paced");
    end_line();
    drain();
}

static void storm(double period, int rounds) {
    struct crew *resuming = clients_crew(1);
    long rss = resident_kb(server_pids);
    uint64_t begun = now_us(), caught_up_us = 0;
    clients_ask(1);
    measure();
    for (int i = 0; i < rounds && !caught_up_us; i++) {
        if (resuming->open + resuming->gone < resuming->count && now_us() - begun > UNANSWERED_US) break;
        publish();
        uint64_t next = begun + (uint64_t)((i + 1) * period * 1e6);
        while (now_us() < next) {
            clients_poll(1);
            uint64_t each = round_first_seq() + round_count() - 1 - storm_since;
            if (!caught_up_us && resuming->bars >= each * storm_per_round * (resuming->count - resuming->gone))
                caught_up_us = now_us();
        }
    }
    tell("storm");
    printf(",\"resumed_bars\":%llu,\"resuming_open\":%u,\"resuming\":%u,\"caught_up_s\":%.3f,\"rss_before_kb\":%ld",
           (unsigned long long)resuming->bars, resuming->open, resuming->count,
           caught_up_us ? (double)(caught_up_us - begun) * 1e-6 : -1.0, rss);
    end_line();
    drain();
}

static void stall(uint32_t count) {
    clients_stall(count);
    printf("{\"phase\":\"stall\",\"stalled\":%u,\"at_us\":%llu", clients_crew(0)->stalled,
           (unsigned long long)now_us());
    end_line();
}

static void run_phase(const char *phase) {
    double a = 0, b = 0;
    int whole = 0, more = 0;
    if (sscanf(phase, "saturate:%lf:%lf", &a, &b) == 2)
        saturate(a, b);
    else if (sscanf(phase, "paced:%lf:%d:%d", &a, &whole, &more) == 3)
        paced(a, whole, more);
    else if (sscanf(phase, "stall:%d", &whole) == 1)
        stall((uint32_t)whole);
    else if (sscanf(phase, "storm:%lf:%d", &a, &whole) == 2)
        storm(a, whole);
    else if (sscanf(phase, "hold:%lf", &a) == 1)
        clients_poll_until(now_us() + (uint64_t)(a * 1e6));
    else
        die("unknown phase %s", phase);
}

/* -- the check at the end ----------------------------------------------------------------------------------------- */

/* Counts open clients that did not get each bar once and in order: the number of bars, the sum of their seqs and their
   order must be right. `from` and `to` are the first and the last seq due, inclusive. */
static uint32_t wrong(struct crew *crew, uint64_t per_round, uint64_t from, uint64_t to, bool by_brace) {
    uint32_t count = 0;
    uint64_t windows = to + 1 - from, sum = per_round * windows * (from + to) / 2;
    for (uint32_t i = 0; i < crew->count; i++) {
        struct client *client = &crew->all[i];
        if (client->stalled || client->state != OPEN) continue; // those are counted where they happen
        bool right = client->bars == per_round * windows * (by_brace ? 2 : 1);
        if (client->sampled && (client->seq_sum != sum || client->disordered)) right = false;
        count += !right;
    }
    return count;
}

static void check(bool by_brace) {
    uint64_t last = round_first_seq() + round_count() - 1;
    clients_poll_until(now_us() + 100000); // what is too much would come now
    printf("{\"phase\":\"check\",\"rounds\":%llu,\"bars\":%llu,\"owed\":%llu,\"lost\":%llu,\"wrong\":%u,\"gone\":%u",
           (unsigned long long)round_count(), (unsigned long long)clients_crew(0)->bars, (unsigned long long)owed,
           (unsigned long long)lost, wrong(clients_crew(0), bars_per_round, round_first_seq(), last, by_brace),
           clients_crew(0)->gone);
    if (clients_crew(1)->count)
        printf(",\"storm_wrong\":%u,\"storm_gone\":%u",
               wrong(clients_crew(1), storm_per_round, storm_since + 1, last, by_brace), clients_crew(1)->gone);
    end_line();
}

int main(int count, char **words) {
    struct clients_options options = {.answer = "subscribed", .sample = 8};
    const char *crew = NULL, *storming = NULL, *round_file = NULL, *hello = NULL;
    int publish_port = 0, letter;
    uint64_t first_seq = 0;
    static const struct option names[] = {
        {"port", 1, 0, 'p'},       {"clients", 1, 0, 'c'},       {"answer", 1, 0, 'a'},      {"by-brace", 0, 0, 'b'},
        {"binary", 0, 0, 'B'},     {"seq-at", 1, 0, 's'},        {"sample", 1, 0, 'S'},      {"round", 1, 0, 'r'},
        {"hello", 1, 0, 'h'},      {"publish-port", 1, 0, 'P'},  {"first-seq", 1, 0, 'f'},   {"per-round", 1, 0, 'k'},
        {"server", 1, 0, 'x'},     {"store", 1, 0, 'y'},         {"at-a-time", 1, 0, 'n'},   {"drain", 1, 0, 'd'},
        {"storm", 1, 0, 't'},      {"storm-per-round", 1, 0, 'K'}, {"storm-since", 1, 0, 'T'}, {"receive-bytes", 1, 0, 'R'},
        {0, 0, 0, 0}};
    while ((letter = getopt_long(count, words, "", names, NULL)) != -1) switch (letter) {
        case 'p': options.port = atoi(optarg); break;
        case 'c': crew = optarg; break;
        case 'a': options.answer = optarg; break;
        case 'b': options.counting = BY_BRACE; break;
        case 'B': options.binary = true; break;
        case 's': options.seq_at = atoi(optarg); break;
        case 'S': options.sample = atoi(optarg); break;
        case 'r': round_file = optarg; break;
        case 'h': hello = optarg; break;
        case 'P': publish_port = atoi(optarg); break;
        case 'f': first_seq = strtoull(optarg, NULL, 10); break;
        case 'k': bars_per_round = strtoull(optarg, NULL, 10); break;
        case 'x': server_pids = optarg; break;
        case 'y': store_pids = optarg; break;
        case 'n': at_a_time = (uint32_t)atoi(optarg); break;
        case 'd': drain_seconds = atof(optarg); break;
        case 't': storming = optarg; break;
        case 'K': storm_per_round = strtoull(optarg, NULL, 10); break;
        case 'T': storm_since = strtoull(optarg, NULL, 10); break;
        case 'R': options.receive_bytes = atoi(optarg); break;
        default: return 2;
        }
    if (!crew || !options.port) die("--clients and --port are needed");
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int entrance = round_file ? round_open(round_file, hello, publish_port, first_seq) : -1;
    clients_setup(options, entrance, round_answers);
    clients_read_file(0, crew);
    if (storming) clients_read_file(1, storming);
    connect_all();
    if (storming) clients_connect_silently(1, at_a_time);
    for (int i = optind; i < count; i++) run_phase(words[i]);
    if (round_count() && drain_seconds > 0) check(options.counting == BY_BRACE);
    clients_drop_all();
    return 0;
}
