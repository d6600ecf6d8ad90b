"""Where things are: the repository, the unpacked peers, the running lab.

Every other module asks here, so that the environment's overrides are read in one place:
`CARGO_TARGET_DIR` (as cargo reads it), `NTPSCOPE_PEERS_DIR` (share one set of unpacked daemons between
checkouts) and `NTPSCOPE_LAB_DIR` (run several labs side by side).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parent
REPO = SITE.parent.parent

# What a test harness reads as "skipped", with the reason on stderr.
SKIPPED = 77


class Skip(Exception):
    """The lab cannot be had on this machine; the text says what is missing."""


class LabError(Exception):
    """Something that should have worked did not; the text names what, where and why."""


def target() -> Path:
    """Cargo's output folder."""
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return (REPO / chosen).resolve() if chosen else REPO / "target"


def peers() -> Path:
    """The unpacked daemons."""
    chosen = os.environ.get("NTPSCOPE_PEERS_DIR")
    return Path(chosen).resolve() if chosen else target() / "peers"


def lab() -> Path:
    """The state of this lab: control sockets, configurations, logs."""
    chosen = os.environ.get("NTPSCOPE_LAB_DIR")
    return Path(chosen).resolve() if chosen else target() / "lab"


def interpreter() -> str:
    """The Python that runs this, without the version managers that may stand in front of it."""
    return os.path.realpath(sys.executable)
