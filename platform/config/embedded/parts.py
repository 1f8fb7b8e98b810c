"""The commands of the parts that are ours, the same in ./dev up and in docker/compose.yaml (a test compares them)."""

_WORKER = [
    "-m",
    "celery",
    "-A",
    "config",
    "worker",
    "-P",
    "threads",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
]

# After the Python interpreter. Threads: prefork never hears of a shutdown (measured: 30 s and still there);
# ingest holds one long-lived task a lane and needs room for two more.
PARTS: dict[str, list[str]] = {
    "ingest": [*_WORKER, "-Q", "ingest", "-c", "8", "-n", "ingest@%h", "-l", "INFO"],
    "web": ["manage.py", "serve"],
    "control": [*_WORKER, "-Q", "control", "-c", "4", "-n", "control@%h", "-l", "INFO"],
    # Beat is a process of its own: `worker -B` leaves an orphan that goes on queueing when the worker is killed.
    "beat": ["-m", "celery", "-A", "config", "beat", "--pidfile=", "-l", "WARNING"],
}
