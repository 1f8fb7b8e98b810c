"""The one supervisor: what dies is started again and said, what keeps dying is given up, all end in their rounds."""

import signal
import sys
import time
from pathlib import Path

import pytest

from config.embedded.children import Child, ChildFailed
from config.embedded.watching import Watch

pytestmark = pytest.mark.whole
SLEEPS, DIES = "import time; time.sleep(60)", "raise SystemExit(3)"


def child(tmp_path: Path, name: str, program: str) -> Child:
    return Child(name=name, argv=[sys.executable, "-c", program], log=tmp_path / f"{name}.log", ready=lambda: True)


def until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_dies_is_started_again_and_said(tmp_path):
    said, dead = [], []
    watch = Watch(said.append, on_death=dead.append)
    watch.launch(child(tmp_path, "part", SLEEPS))
    first = watch.children[0].process.pid

    watch.look_after()
    assert said == []
    watch.children[0].process.send_signal(signal.SIGKILL)
    until(lambda: watch.children[0].poll() is not None)
    watch.look_after()

    assert said == ["part ended (killed by SIGKILL); starting it again."]
    assert dead == [first]
    assert watch.children[0].poll() is None
    watch.stop((lambda one: True,), 5)


def test_what_keeps_dying_is_given_up_with_its_last_words(tmp_path):
    watch = Watch(lambda text: None, most_deaths=2)
    watch.launch(child(tmp_path, "part", f"print('no disk', flush=True); {DIES}"))
    until(lambda: watch.children[0].poll() is not None)
    watch.look_after()
    until(lambda: watch.children[0].poll() is not None)

    with pytest.raises(ChildFailed, match="part ended 2 times in a minute: no disk"):
        watch.look_after()


def test_without_a_limit_it_is_never_given_up(tmp_path):
    watch = Watch(lambda text: None)
    watch.launch(child(tmp_path, "part", DIES))
    for _ in range(6):
        until(lambda: watch.children[0].poll() is not None)
        watch.look_after()
    watch.stop((lambda one: True,), 5)


def test_children_end_round_by_round(tmp_path):
    watch = Watch(lambda text: None)
    for name in ("store", "web"):
        watch.launch(child(tmp_path, name, SLEEPS))
    store, web = watch.children

    watch.stop((lambda one: one.name != "store", lambda one: store.poll() is None and web.poll() is not None), 5)

    assert (store.poll(), web.poll()) == (-signal.SIGTERM, -signal.SIGTERM)


def test_what_lives_and_does_nothing_is_ended_and_started_again_also_where_it_is_stopped(tmp_path):
    said, alive = [], tmp_path / "alive"
    watch = Watch(said.append)
    stuck = child(tmp_path, "part", SLEEPS)
    stuck.alive_file, stuck.stuck_seconds = alive, 0.5
    watch.launch(stuck)
    first = stuck.process.pid
    watch.look_after()
    assert said == [], "it has only just been started"
    alive.touch()
    time.sleep(0.3)
    alive.touch()
    time.sleep(0.3)
    watch.look_after()
    assert said == [], "it shows life"

    stuck.process.send_signal(signal.SIGSTOP)
    until(stuck.is_stuck)
    watch.look_after()

    assert said == [
        "part runs and has done nothing for 0 s; it is ended.",
        "part ended (killed by SIGKILL); starting it again.",
    ]
    assert stuck.process.pid != first
    assert stuck.poll() is None
    assert not stuck.is_stuck(), "it gets its time again"
    watch.stop((lambda one: True,), 5)
