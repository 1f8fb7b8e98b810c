"""`./dev bench`: the fan-out beside its peers, W1 to W5. `./dev bench start`: from nothing to a first bar."""

import sys

from benchmarks import fanout, start

if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["start"]:
        start.main(words[1:])
    else:
        fanout.main(words)
