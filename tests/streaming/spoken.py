"""The wire languages as tests speak them where no process runs: one object each, as a process has."""

from streaming.reference import directory
from streaming.wire.dialect import load_dialects

DIALECTS = load_dialects(directory())
NATIVE = DIALECTS["native"]
