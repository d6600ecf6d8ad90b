"""The frozen daemon's list of those who asked: rows that a real one told, given out piece by piece as the daemons do."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

NO_PRIOR, BAD_VALUE = 5, 6
# Most rows and datagrams of an answer, and rows that a question can name.
ROWS, FRAGMENTS, NAMED = 256, 128, 16
NONCE = "eeab775fceb9bed90f1e2d3c"


class Refused(Exception):
    """An error reply with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Clients:
    """Rows as the daemon wrote them, oldest first, each a list of `tag=value`; `now` is its clock."""

    rows: list[list[str]]
    now: str

    def answer(self, data: bytes, lay_out) -> list[bytes] | None:
        """The datagrams for a question; `None` without the nonce, for then there is no answer at all."""
        wanted = dict(item.strip().partition("=")[::2] for item in data.decode("latin-1").split(","))
        if wanted.get("nonce") != NONCE:
            return None
        frags, limit = number(wanted, "frags"), number(wanted, "limit")
        if (not frags and not 0 < limit <= ROWS) or frags > FRAGMENTS:
            raise Refused(BAD_VALUE)
        frags, limit = frags or FRAGMENTS, limit or len(self.rows) + 1
        start = 0
        items = []
        if "addr.0" in wanted:
            start = self._behind(wanted)
            items = [f"last.older={value(self.rows[start], 'last')}", f"addr.older={value(self.rows[start], 'addr')}"]
            start += 1
        items.append(f"nonce={NONCE}")
        count = 0
        for row in self.rows[start:]:
            if count >= limit or len(lay_out([item.encode() for item in items])) >= frags:
                return lay_out([item.encode() for item in items])
            if passes(row, wanted):
                items += [f"{tag}.{count}={text}" for tag, _, text in (item.partition("=") for item in row)]
                if count == 0:
                    items.append("xQz.0=49753")
                count += 1
        items.append(f"now={self.now}")
        if count:
            last = next(row for row in reversed(self.rows[start:]) if passes(row, wanted))
            items.append(f"last.newest={value(last, 'last')}")
        return lay_out([item.encode() for item in items])

    def _behind(self, wanted: dict[str, str]) -> int:
        for place in range(NAMED):
            address, last = wanted.get(f"addr.{place}"), wanted.get(f"last.{place}")
            for at, row in enumerate(self.rows):
                if (value(row, "addr"), value(row, "last")) == (address, last):
                    return at
        raise Refused(NO_PRIOR)


def passes(row: list[str], wanted: dict[str, str]) -> bool:
    """Whether a row is one that is asked for."""
    flags = int(value(row, "rs"), 16)
    every, some = int(wanted.get("resall", "0"), 16), int(wanted.get("resany", "0"), 16)
    local = wanted.get("laddr")
    return (
        int(value(row, "ct")) >= number(wanted, "mincount")
        and flags & every == every
        and (not some or bool(flags & some))
        and (not local or ipaddress.ip_address(local).version == (6 if "[" in value(row, "addr") else 4))
    )


def number(wanted: dict[str, str], name: str) -> int:
    text = wanted.get(name, "0")
    return int(text) if text.isdigit() else 0


def value(row: list[str], tag: str) -> str:
    return next(item for item in row if item.startswith(f"{tag}=")).partition("=")[2]
