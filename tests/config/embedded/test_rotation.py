"""A log that has grown too long is moved away while its process goes on writing."""

import subprocess

from config.embedded.rotation import rotate


def test_a_long_log_is_moved_and_its_process_goes_on(tmp_path):
    log, short = tmp_path / "web.log", tmp_path / "beat.log"
    short.write_text("short")
    with log.open("ab") as opened, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=opened) as cat:
        assert cat.stdin is not None
        opened.write(b"x" * 1_000)
        opened.flush()
        rotate(tmp_path, most_bytes=500)
        cat.stdin.write(b"afterwards")
        cat.stdin.close()
        cat.wait()

    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 1_000
    assert log.read_bytes() == b"afterwards"
    assert short.read_text() == "short"
    assert not (tmp_path / "beat.log.1").exists()
