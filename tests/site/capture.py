"""Writes down all that a running daemon says over mode 6, for `frozen.py` to say again.

Runs inside the lab (`tests/lab capture`). Values come from the replies themselves, fragment by fragment; which names a
daemon knows, and in which order it lists them, is found out by asking.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import mode6
import names
import nodes

CONF, REACH = 0x8000, 0x1000
FALSETICK, SYSPEER = 1, 6
# In place of the name of the kernel that the capture was made on.
KERNEL = "6.1.0-lab-amd64"
# The tags of a row of the list of those who asked.
ROW = ("addr", "last", "first", "ct", "mv", "rs", "sc", "dr")
# Lines that a daemon refuses or that change nothing.
LINES = (
    "tos minsane 1",
    "restrict bogus blah",
    "server",
    "tos minsane x",
    "server 10.77.0.99 minpol 4",
    "nosuch directive here",
    "enable mode7",
    "logfile x",
    "includefile x",
    "fudge 127.127.9.0 stratum 3",
    "unconfig 10.77.0.99",
)
FILES = ("../x", "a/b", "." + "y" * 20, "z" * 200)


class Capture:
    def __init__(self, family: str, address: str) -> None:
        self.family = family
        self.asker = mode6.Asker(address)
        self.asked = 0

    def ask(self, opcode: int, association: int = 0, data: str = "", key=None) -> mode6.Reply:
        for _ in range(4):
            self.asked += 1
            reply = self.asker.ask(opcode, association, data.encode(), key)
            if reply is not None:
                return reply
        raise SystemExit(f"capture: {self.family} does not answer opcode {opcode}, association {association}, {data!r}")

    def moment(self, seconds: float) -> None:
        """Waits until there is a system peer, a falseticker and an association neither configured nor reachable."""
        deadline = time.monotonic() + seconds
        while True:
            known = self.asker.associations() or {}
            picked = {status >> 8 & 7 for status in known.values()}
            lost = [status for status in known.values() if not status & (CONF | REACH)]
            if {SYSPEER, FALSETICK} <= picked and lost:
                return
            if time.monotonic() > deadline:
                print(f"capture: {self.family}: no lost ephemeral association; taking what there is", file=sys.stderr)
                return
            time.sleep(0.5)

    def all(self) -> dict[str, object]:
        stat = self.ask(mode6.READSTAT)
        found: dict[str, object] = {
            "family": self.family,
            "leap": stat.leap_version >> 6,
            "readstat": {"status": stat.status, "data": [part.hex() for part in stat.fragments]},
        }
        ids = [int.from_bytes(stat.data[at : at + 2]) for at in range(0, len(stat.data), 4)]
        # The values that change, first and close together.
        defaults = {number: self.ask(mode6.READVAR, number) for number in [0, *sorted(ids)]}
        clocks = {number: self.ask(mode6.READCLOCK, number) for number in [0, *sorted(ids)]}
        stats = {number: self.ask(mode6.READSTAT, number) for number in sorted(ids)}
        tables = {
            "system": self.known(mode6.READVAR, [0], names.SYSTEM),
            "peer": self.known(mode6.READVAR, sorted(ids), names.PEER),
            "clock": self.known(mode6.READCLOCK, [n for n in clocks if not clocks[n].error], names.CLOCK),
        }
        found["tables"] = tables
        found["variables"] = {
            str(number): self.entry(mode6.READVAR, number, reply, tables["peer" if number else "system"])
            for number, reply in defaults.items()
        }
        # NTPsec answers this with other variables than a plain read.
        for number, reply in stats.items():
            found["variables"][str(number)]["readstat"] = [_text(part) for part in reply.fragments]
        found["clocks"] = {
            str(number): self.entry(mode6.READCLOCK, number, reply, tables["clock"])
            for number, reply in clocks.items()
            if not reply.error
        }
        found["lists"] = {}
        for name in ("ifstats", "addr_restrictions"):
            reply = self.ask(mode6.ORDERED, 0, name, nodes.KEY)
            if reply.error:
                raise SystemExit(f"capture: {self.family} refuses {name} with error {reply.error}")
            found["lists"][name] = {"status": reply.status, "fragments": [_text(part) for part in reply.fragments]}
        found["mru"] = self.clients()
        found["changes"] = self.changes()
        print(f"capture: {self.family}: {len(ids)} associations, {self.asked} questions", file=sys.stderr)
        return found

    def clients(self) -> dict[str, object]:
        """Those who asked, in the order in which the daemon lists them."""
        nonce = self.ask(mode6.REQNONCE).text.strip()
        all_rows: list[list[str]] = []
        now = behind = ""
        while not now:
            reply = self.ask(mode6.READMRU, 0, f"{nonce}, frags=32{behind}")
            rows: list[list[str]] = []
            for item in re.split(r",\s*", reply.text.strip()):
                name, _, value = item.partition("=")
                tag, _, number = name.partition(".")
                if name == "now":
                    now = value
                elif name == "nonce":
                    nonce = item
                elif tag in ROW and number.isdigit():
                    rows += [[] for _ in range(int(number) + 1 - len(rows))]
                    rows[int(number)].append(f"{tag}={value}")
            all_rows += rows
            last = dict(item.split("=", 1) for item in all_rows[-1])
            behind = f", addr.0={last['addr']}, last.0={last['last']}"
        return {"rows": [", ".join(row) for row in all_rows], "now": now}

    def changes(self) -> dict[str, dict[str, str]]:
        """What is said to lines of configuration that have no effect, and to names of files to save to."""
        found: dict[str, dict[str, str]] = {"configure": {}, "saveconfig": {}}
        for line in LINES:
            found["configure"][line] = _text(self.ask(mode6.CONFIGURE, 0, line, nodes.KEY).data)
        if self.family == "classic":
            for name in FILES:
                found["saveconfig"][name] = _text(self.ask(mode6.SAVECONFIG, 0, name, nodes.KEY).data)
        return found

    def known(self, opcode: int, numbers: list[int], candidates: list[str]) -> list[str]:
        """The names that the daemon knows, in its own order; the order of those that say nothing is not to be had."""
        if not numbers:
            return []
        ordered: list[str] = []
        silent: list[str] = []
        for name in dict.fromkeys(candidates):
            replies = {number: self.ask(opcode, number, name) for number in numbers}
            if all(reply.error for reply in replies.values()):
                continue
            speaks = {number for number, reply in replies.items() if reply.data.strip()}
            if speaks:
                self._insert(opcode, ordered, name, sorted(speaks))
            else:
                silent.append(name)
        return ordered + silent

    def _insert(self, opcode: int, ordered: list[str], name: str, numbers: list[int]) -> None:
        """Finds the place of a name by asking for it together with others; the daemon answers in table order."""
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            first = self._first_of(opcode, name, ordered[middle], numbers)
            if first is None:
                # No association says both: next neighbour instead.
                low = middle + 1
            elif first == name:
                high = middle
            else:
                low = middle + 1
        ordered.insert(low, name)

    def _first_of(self, opcode: int, one: str, other: str, numbers: list[int]) -> str | None:
        for number in numbers:
            reply = self.ask(opcode, number, f"{one},{other}")
            at = {name: found.start() for name in (one, other) if (found := re.search(rf"(^|[ \n]){name}=", reply.text))}
            if len(at) == 2:
                return min(at, key=at.__getitem__)
        return None

    def entry(self, opcode: int, number: int, reply: mode6.Reply, table: list[str]) -> dict[str, object]:
        """One association: its status word, the default reply as it came, the text of each variable."""
        if reply.error:
            raise SystemExit(f"capture: {self.family}: association {number} went away meanwhile; once more")
        items = items_of(reply.text, table)
        for name in table:
            if name not in items:
                alone = self.ask(opcode, number, name)
                items[name] = _text(alone.data).removesuffix("\r\n")
        return {
            "status": reply.status,
            "defaults": [_text(part) for part in reply.fragments],
            "items": {name: items[name] for name in table},
        }


def items_of(text: str, table: list[str]) -> dict[str, str]:
    """Cuts a reply into `name=value` at the names that the daemon knows: values may hold commas."""
    pattern = re.compile(r"(?:^|, |,\r\n)(" + "|".join(map(re.escape, sorted(table, key=len, reverse=True))) + r")=")
    found = list(pattern.finditer(text))
    items = {}
    for this, following in zip(found, [*found[1:], None]):
        end = following.start() if following else len(text.removesuffix("\r\n"))
        items.setdefault(this[1], text[this.start(1) : end])
    return {name: _text(value.encode("latin-1")) for name, value in items.items()}


def _text(data: bytes) -> str:
    """Bytes as Latin-1, so that each byte is one character and comes back as it was; the kernel's name is replaced."""
    text = data.decode("latin-1")
    return re.sub(r"(?<=Linux/)[^\"]+", lambda found: (KERNEL + "0" * 80)[: len(found[0])], text)


def main() -> None:
    family, address, out = sys.argv[1:4]
    capture = Capture(family, address)
    capture.moment(300.0)
    found = capture.all()
    origin = (
        f"What {found['variables']['0']['items']['version'].split('=', 1)[1]} said over mode 6 in the lab (tests/lab capture):"
        " replies with their own fragments; each byte is one Latin-1 character. Only the kernel's name was replaced, by one as long."
    )
    Path(out).write_text(json.dumps({"origin": origin, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
