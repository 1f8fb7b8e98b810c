"""Child processes kept running: what dies is started again and said, and all of them end in time. One supervisor."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from config.embedded.children import Child, ChildFailed, ending


@dataclass
class Watch:
    """Some children. Not for several threads.

    Args:
        say: tells a person one sentence.
        most_deaths: of one child within `in_seconds`, then it is given up; None: never.
        on_death: called with a dead child's process id before it is started again.
    """

    say: Callable[[str], None]
    most_deaths: int | None = None
    in_seconds: float = 60.0
    on_death: Callable[[int], object] = lambda pid: None
    children: list[Child] = field(default_factory=list)

    def launch(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        self.children.append(child)
        child.start()

    def look_after(self) -> None:
        """Start again what has died, and what lives and does nothing.

        Raises:
            ChildFailed: one keeps dying.
        """
        for child in self.children:
            if child.is_stuck():
                self.say(f"{child.name} runs and has done nothing for {child.stuck_seconds:.0f} s; it is ended.")
                child.kill()
            code = child.poll()
            if code is None:
                continue
            now = time.monotonic()
            child.deaths = [at for at in child.deaths if now - at < self.in_seconds] + [now]
            if self.most_deaths is not None and len(child.deaths) >= self.most_deaths:
                raise ChildFailed(
                    f"{child.name} ended {len(child.deaths)} times in a minute: {child.last_words()} (log: {child.log})"
                )
            self.say(f"{child.name} ended ({ending(code)}); starting it again.")
            if child.process is not None:
                self.on_death(child.process.pid)
            child.start()

    def stop(self, rounds: Sequence[Callable[[Child], bool]], seconds: float) -> None:
        """End all children, those of one round before those of the next.

        Args:
            rounds: which children belong to each.
            seconds: how long each round may take before what is left is killed.
        """
        for belongs in rounds:
            asked = [child for child in self.children if belongs(child)]
            for child in asked:
                child.ask_to_stop()
            deadline = time.monotonic() + seconds
            for child in asked:
                child.make_sure_stopped(deadline)
