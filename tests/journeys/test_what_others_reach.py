"""What another user of the machine reaches beside a running `./dev up`: the shop's public pages, and nothing else.

The stranger is a process of our own that has given up root for good; it tries every port, socket, file and process.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.journeys.conftest import Run

pytestmark = pytest.mark.whole
STRANGER = 12_345  # a number that nobody on the machine has, and PostgreSQL does not run as

# Everything it needs is imported first: our interpreter may lie where it cannot read.
PROGRAM = r"""
import encodings.idna, encodings.latin_1, http.client, json, os, socket, sys
told = json.load(sys.stdin)
os.setgroups([]); os.setgid(told["uid"]); os.setuid(told["uid"])
found = {"ports": {}, "unix": [], "read": [], "written": [], "environ": [], "killed": [], "cmdline": []}

def http_says(port, path, host="127.0.0.1", method="GET", body=None, headers={}):
    try:
        one = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        one.request(method, path, body, {"Host": host, **headers})
        answer = one.getresponse()
        return answer.status, answer.read(300).decode("latin-1")
    except (OSError, http.client.HTTPException) as error:
        return 0, type(error).__name__

def raw_says(port, text):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as peer:
            peer.sendall(text)
            return peer.recv(300).decode("latin-1")
    except OSError as error:
        return type(error).__name__

for port in told["ports"]:
    found["ports"][port] = {
        "redis": [raw_says(port, line) for line in (b"PING\r\n", b"INFO\r\n", b"CONFIG GET dir\r\n", b"EVAL x 0\r\n")],
        "history": [http_says(port, f"/?query={query}", host, method, b"" if method == "POST" else None, headers)
                    for query in ("SELECT%201", "SELECT%20*%20FROM%20file('/etc/passwd')")
                    for host in ("127.0.0.1", "evil.example")
                    for method, headers in (("GET", {}), ("POST", {"Origin": "http://evil.example"}),
                                            ("GET", {"X-ClickHouse-User": "default", "X-ClickHouse-Key": ""}))],
        "operators": [http_says(port, path)[0] for path in ("/metrics", "/stats")],
    }
for path in told["unix"]:
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(path)
            found["unix"].append(path)
        except OSError:
            pass
for root in told["folders"]:
    for at, folders, files in os.walk(root):
        for name in files:
            try:
                open(os.path.join(at, name), "rb").read(1)
                found["read"].append(os.path.join(at, name))
            except OSError:
                pass
    try:
        open(os.path.join(root, "ours"), "w")
        found["written"].append(root)
    except OSError:
        pass
for pid in told["pids"]:
    for name, kept in (("environ", "environ"), ("mem", "read"), ("fd", "read")):
        try:
            os.listdir(f"/proc/{pid}/fd") if name == "fd" else open(f"/proc/{pid}/{name}", "rb").read(10)
            found[kept].append(f"{pid} {name}")
        except OSError:
            pass
    try:
        os.kill(pid, 0)
        found["killed"].append(pid)
    except OSError:
        pass
    found["cmdline"].append(open(f"/proc/{pid}/cmdline", "rb").read().decode("latin-1"))
print(json.dumps(found))
"""


def listening(pids):
    """Return the addresses (ip, port) that these processes listen on over TCP, and their Unix sockets by path."""
    inodes = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                link = os.readlink(fd)
            except OSError:
                continue
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
    tcp = []
    for file in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].rsplit(":", 1)
                tcp.append((address, int(port, 16)))
    unix = [line.split()[7] for line in Path("/proc/net/unix").read_text().splitlines()[1:]
            if len(line.split()) > 7 and line.split()[6] in inodes]  # fmt: skip
    return tcp, [path for path in unix if path.startswith("/")]


@pytest.fixture(scope="module")
def running():
    """One run for all questions, in a folder that everybody may enter, as a checkout in /srv would be."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(prefix="open-to-all-") as folder:
        Path(folder).chmod(0o755)
        run = Run(Path(folder) / "var", "--port", "0")
        yield run
        run.stop()


@pytest.fixture(scope="module")
def beside(running):
    """(the run, what the stranger found)."""
    run = running.wait()
    pids = [run.process.pid, *run.children()]
    tcp, unix = listening(pids)
    assert len(tcp) == 3, tcp  # the panel, Valkey, the history engine; PostgreSQL listens on no port
    assert {address for address, _ in tcp} == {"0100007F"}  # 127.0.0.1
    assert any("PGSQL" in path for path in unix)
    spare = [str(one) for one in Path("/tmp").glob("tickpack-*") if one.is_dir()]
    told = {"uid": STRANGER, "ports": [port for _, port in tcp], "unix": unix, "pids": pids,
            "folders": [str(run.var), *spare]}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=json.dumps(told), capture_output=True, text=True,
                          check=False, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return run, json.loads(done.stdout)


def test_no_store_answers_a_stranger(beside):
    run, found = beside
    panel = int(run.facts["panel_url"].rsplit(":", 1)[1])
    stores = {int(port): said for port, said in found["ports"].items() if int(port) != panel}
    assert len(stores) == 2
    for said in stores.values():
        redis = any("NOAUTH" in line for line in said["redis"])
        if redis:
            assert all("NOAUTH" in line or "unknown command" in line for line in said["redis"])
        else:
            assert {status for status, _ in said["history"]} <= {400, 401, 403, 421}
            assert not any("root:" in text for _, text in said["history"])


def test_the_panel_tells_a_stranger_nothing_of_the_operators(beside):
    run, found = beside
    said = found["ports"][run.facts["panel_url"].rsplit(":", 1)[1]]
    assert said["operators"] == [403, 403]


@pytest.mark.parametrize("what", ["unix", "read", "written", "environ", "killed"])
def test_a_stranger_opens_reads_writes_and_ends_nothing(beside, what):
    assert beside[1][what] == []


def test_no_command_line_has_a_secret(beside):
    run, found = beside
    secrets = json.loads((run.var / "secrets.json").read_text())
    lines = " ".join(found["cmdline"])
    assert "valkey" in lines
    assert [name for name, value in secrets.items() if "email" not in name and value in lines] == []
