"""`./dev bench`: the fan-out beside its peers, W1 to W5.

`./dev bench start`: from nothing to a first bar. `./dev bench ingest`: from a source to a socket.
`./dev bench history`: a year of minutes of every instrument. `./dev bench search`: finding an instrument.
`./dev bench terminal`: what the live page costs.
`./dev bench pages`: what Lighthouse says of each page.
"""

import sys

from benchmarks import fanout, history, ingest, pages, search, start, terminal

if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["start"]:
        start.main(words[1:])
    elif words[:1] == ["ingest"]:
        ingest.main(words[1:])
    elif words[:1] == ["history"]:
        history.main(words[1:])
    elif words[:1] == ["search"]:
        search.main(words[1:])
    elif words[:1] == ["terminal"]:
        terminal.main(words[1:])
    elif words[:1] == ["pages"]:
        pages.main(words[1:])
    else:
        fanout.main(words)
