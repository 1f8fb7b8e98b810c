"""The settings as type checkers and editors load them: those of one machine, whatever the environment says.

mypy's Django plugin imports the settings; with the real module it needs the variables of a deployment.
"""

import os

os.environ.setdefault("TICKPACK_EMBEDDED", "1")
os.environ.setdefault("DATABASE_URL", "sqlite:///:memory:")

from config.settings import *  # noqa: F403  (the variables first)
