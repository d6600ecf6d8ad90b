"""`tests/lab check`: does any daemon set a clock?

Each kind of daemon runs for some seconds under strace in a lab of its own; a clock call that succeeds and would have
changed something fails the check. Every run also proves that it could fail: one more daemon runs with strace
answering "done" in the kernel's place (the call is not executed), and if that is not noticed, the check fails.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time

from paths import LabError, Skip

CALLS = "adjtimex,clock_adjtime,settimeofday,clock_settime"
# Long enough for each daemon to have set its frequency and tried to slew.
SECONDS = 25
# One of each kind, and whether it makes clock calls at all (chronyd -x does not).
DAEMONS = {"classic": True, "ntpsec": True, "chrony": False, "openntpd": True}
# The daemon whose clock calls strace pretends to have done.
PROOF = "noquery"

_CALL = re.compile(r"(adjtimex|clock_adjtime|settimeofday|clock_settime)\((.*)\)\s+= (-?\d+)(.*)")
_MODES = re.compile(r"modes=([^,}]*)")


def main() -> int:
    """Brings up a lab of its own with the daemons under strace; the exit status says whether all kept their hands off."""
    import cli

    if shutil.which("strace") is None:
        raise Skip("strace is not on this machine")
    with tempfile.TemporaryDirectory(prefix="lab-check-") as folder:
        os.environ["NTPSCOPE_LAB_DIR"] = os.path.join(folder, "lab")
        os.environ["NTPSCOPE_LAB_TRACE"] = folder
        try:
            with open(os.devnull, "w") as quiet:
                out, sys.stdout = sys.stdout, quiet
                try:
                    cli.up(False)
                finally:
                    sys.stdout = out
            time.sleep(SECONDS)
        finally:
            cli.down()
        good = [judge(name, os.path.join(folder, f"{name}.strace"), expected) for name, expected in DAEMONS.items()]
        print("and with strace pretending success, where the check has to see changes:")
        noticed = not judge(PROOF, os.path.join(folder, f"{PROOF}.strace"), True)
    if not noticed:
        raise LabError("the check is blind: changes that were pretended to succeed were not noticed")
    if not all(good):
        raise LabError("a daemon of the lab can set a clock, or the trace cannot tell")
    return 0


def wrap(name: str, command: list[str]) -> list[str]:
    """The command under strace, when this lab is traced; asked by the holder for each daemon that it starts."""
    folder = os.environ.get("NTPSCOPE_LAB_TRACE")
    if not folder or name not in (*DAEMONS, PROOF):
        return command
    options = ["-e", f"inject={CALLS}:retval=0"] if name == PROOF else []
    return ["strace", "-f", "-qq", *options, "-e", f"trace={CALLS}", "-o", os.path.join(folder, f"{name}.strace"), "--", *command]


def judge(name: str, path: str, expected: bool) -> bool:
    """Prints what was seen of one daemon; `False` when it set a clock or when nothing was seen."""
    reads = refused = 0
    done: list[str] = []
    with open(path, errors="replace") as file:
        for line in file:
            found = _CALL.search(line)
            if found is None:
                continue
            call, arguments, result, _ = found.groups()
            if changes(call, arguments):
                if result == "-1":
                    refused += 1
                else:
                    done.append(line.strip())
            else:
                reads += 1
    print(f"{name:10} {reads} reads, {refused} changes refused, {len(done)} changes made")
    for line in done[:5]:
        print(f"    {line}")
    if expected and reads + refused == 0 and not done:
        print("    no clock call seen: the trace did not work")
        return False
    return not done


def changes(call: str, arguments: str) -> bool:
    """Would this call change a clock, if it were allowed?"""
    if call in ("settimeofday", "clock_settime"):
        return True
    modes = _MODES.search(arguments)
    # Without a decoded structure (the call failed before it was read) nothing says that it was only a reading.
    if modes is None:
        return True
    return modes[1].strip() not in ("0", "ADJ_OFFSET_SS_READ")

