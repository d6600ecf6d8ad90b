"""A program in a pseudo-terminal, and the screen that it draws: text and reverse video, no other look."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
import unicodedata

# An escape sequence that has not ended after so many characters is none.
LONGEST = 4096
# A text run, or what stands between two: a control character, or a whole escape sequence.
_PIECE = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)"
    r"|\x1b\[(?P<csi>[0-9;:<=>?]*[ -/]*[@-~])"
    r"|\x1b(?P<string>[\]P_^X].*?(?:\x07|\x1b\\))"
    r"|\x1b(?P<charset>[()*+][0-9A-Za-z])"
    r"|\x1b(?P<escape>[^\[\]P_^X()*+])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])",
    re.DOTALL,
)


class Screen:
    """What a terminal of xterm's kind shows after the bytes it was fed."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.left = ""
        # What the program asked of the terminal, to be answered by whoever holds the other end.
        self.answers: list[bytes] = []
        self.asked = 0
        self.saved = (0, 0)
        self.last = " "
        self._reset()

    def _reset(self) -> None:
        self.cells = [[" "] * self.columns for _ in range(self.lines)]
        self.reverse = [[False] * self.columns for _ in range(self.lines)]
        self.row = self.column = 0
        self.top, self.bottom = 0, self.lines - 1
        self.look = False

    def text(self) -> list[str]:
        return ["".join(row) for row in self.cells]

    def feed(self, data: bytes) -> None:
        text = self.left + self.decode(data)
        at = 0
        while at < len(text):
            match = _PIECE.match(text, at)
            if match is None:
                if len(text) - at < LONGEST:
                    # The rest of a sequence is still to come.
                    break
                at += 1
                continue
            at = match.end()
            getattr(self, f"_{match.lastgroup}")(match[match.lastgroup])
        self.left = text[at:]

    def _text(self, text: str) -> None:
        for char in text:
            width = _width(char)
            if width == 0:
                continue
            if self.column + width > self.columns:
                self.column = 0
                self._index()
            for part in range(width):
                self.cells[self.row][self.column + part] = char if part == 0 else ""
                self.reverse[self.row][self.column + part] = self.look
            self.column += width
            self.last = char

    def _control(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char in "\n\v\f":
            self._index()
        elif char == "\b":
            self.column = max(0, min(self.column, self.columns - 1) - 1)
        elif char == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)

    def _charset(self, _: str) -> None:
        pass

    def _string(self, _: str) -> None:
        pass

    def _escape(self, char: str) -> None:
        if char == "7":
            self.saved = (self.row, self.column)
        elif char == "8":
            self.row, self.column = self.saved
        elif char == "M":
            if self.row == self.top:
                self._scroll(self.top, -1)
            else:
                self.row = max(0, self.row - 1)
        elif char == "D":
            self._index()
        elif char == "E":
            self.column = 0
            self._index()
        elif char == "c":
            self._reset()

    def _csi(self, sequence: str) -> None:
        words, final = sequence[:-1], sequence[-1]
        if words[:1] in ("?", ">", "<", "="):
            self._private(words, final)
            return
        numbers = [int(part.split(":")[0] or 0) for part in words.split(";")] if re.fullmatch(r"[0-9;:]*", words) else [0]
        first = numbers[0]
        count = max(1, first)
        column = min(self.column, self.columns - 1)
        if final == "m":
            self._rendition(words)
        elif final in "Hf":
            self._go(count - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1)
        elif final == "A":
            self._go(self.row - count, column)
        elif final in "Be":
            self._go(self.row + count, column)
        elif final in "Ca":
            self._go(self.row, column + count)
        elif final == "D":
            self._go(self.row, column - count)
        elif final in "EF":
            self._go(self.row + (count if final == "E" else -count), 0)
        elif final in "G`":
            self._go(self.row, count - 1)
        elif final == "d":
            self._go(count - 1, column)
        elif final == "J":
            for row in range(self.lines):
                if first == 2 or (first == 0 and row > self.row) or (first == 1 and row < self.row):
                    self._blank(row, 0, self.columns)
            if first < 2:
                self._csi(f"{first}K")
        elif final == "K":
            start, end = {0: (column, self.columns), 1: (0, column + 1)}.get(first, (0, self.columns))
            self._blank(self.row, start, end)
        elif final == "X":
            self._blank(self.row, column, min(self.columns, column + count))
        elif final == "b":
            self._text(self.last * count)
        elif final in "@P":
            count = min(count, self.columns - column)
            for rows, blank in ((self.cells, " "), (self.reverse, False)):
                row = rows[self.row]
                if final == "@":
                    row[column:] = ([blank] * count + row[column:])[: self.columns - column]
                else:
                    row[column:] = row[column + count :] + [blank] * count
        elif final in "LM" and self.top <= self.row <= self.bottom:
            self._scroll(self.row, -count if final == "L" else count)
        elif final in "ST":
            self._scroll(self.top, count if final == "S" else -count)
        elif final == "r":
            self.top = count - 1
            self.bottom = min(self.lines, numbers[1] if len(numbers) > 1 and numbers[1] else self.lines) - 1
            self.row = self.column = 0
        elif final == "n":
            self._answer(f"\x1b[{self.row + 1};{column + 1}R" if first == 6 else "\x1b[0n")
        elif final == "c":
            self._answer("\x1b[?62;22c")

    def _private(self, words: str, final: str) -> None:
        if words == "?1049" and final in "hl":
            self._go(0, 0)
            self._csi("2J")
        elif words[0] == ">" and final == "c":
            self._answer("\x1b[>0;0;0c")

    def _answer(self, text: str) -> None:
        self.asked += 1
        self.answers.append(text.encode())

    def _rendition(self, words: str) -> None:
        parts = words.split(";")
        at = 0
        while at < len(parts):
            part = parts[at]
            if part in ("", "0", "27"):
                self.look = False
            elif part == "7":
                self.look = True
            elif part in ("38", "48", "58"):
                # A colour's own numbers are not renditions.
                at += {"5": 2, "2": 4}.get(parts[at + 1] if at + 1 < len(parts) else "", 0)
            at += 1

    def _go(self, row: int, column: int) -> None:
        self.row = max(0, min(self.lines - 1, row))
        self.column = max(0, min(self.columns - 1, column))

    def _index(self) -> None:
        if self.row == self.bottom:
            self._scroll(self.top, 1)
        else:
            self.row = min(self.lines - 1, self.row + 1)

    def _scroll(self, top: int, by: int) -> None:
        for rows, blank in ((self.cells, " "), (self.reverse, False)):
            for _ in range(min(abs(by), self.lines)):
                gone, new = (top, self.bottom) if by > 0 else (self.bottom, top)
                del rows[gone]
                rows.insert(new, [blank] * self.columns)

    def _blank(self, row: int, start: int, end: int) -> None:
        self.cells[row][start:end] = [" "] * (end - start)
        self.reverse[row][start:end] = [False] * (end - start)


class Program:
    """A program in a terminal of its own, as a direct child."""

    def __init__(self, argv: list[str], env: dict[str, str], columns: int = 80, lines: int = 24) -> None:
        self.screen = Screen(columns, lines)
        self.bytes = 0
        self.ended: int | None = None
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        tty = os.ttyname(slave)
        # A session of its own, whose first opened terminal becomes its controlling one.
        actions = [(os.POSIX_SPAWN_OPEN, 0, tty, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        self.started = time.perf_counter()
        self.pid = os.posix_spawn(argv[0], argv, env, file_actions=actions, setsid=True, setsigdef=[signal.SIGPIPE])
        os.close(slave)
        self.poll = select.poll()
        self.poll.register(self.master, select.POLLIN)

    def step(self, seconds: float) -> float | None:
        """Waits for output and draws it; returns when it came (`perf_counter`), `None` when nothing came or all is over."""
        if self.ended is not None or not self.poll.poll(max(0.0, seconds) * 1e3):
            return None
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            data = b""
        came = time.perf_counter()
        if not data:
            self._reap()
            return None
        self.bytes += len(data)
        self.screen.feed(data)
        while self.screen.answers:
            os.write(self.master, self.screen.answers.pop(0))
        return came

    def until(self, what, seconds: float) -> float | None:
        """Waits until `what(screen)` holds; returns when the output came that made it so."""
        deadline = time.perf_counter() + seconds
        while self.ended is None and (now := time.perf_counter()) < deadline:
            came = self.step(deadline - now)
            if came is not None and what(self.screen):
                return came
        return None

    def rest(self, seconds: float) -> None:
        """Goes on drawing for so long."""
        self.until(lambda _: False, seconds)

    def key(self, text: str) -> float:
        """Types; returns when."""
        now = time.perf_counter()
        os.write(self.master, text.encode())
        return now

    def close(self) -> None:
        """Ends the program: by its own key, else by a signal."""
        if self.ended is None:
            self.key("q")
            self.until(lambda _: False, 1.0)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.ended is None:
                os.kill(self.pid, number)
                self.until(lambda _: False, 1.0)
        if self.ended is None:
            self._reap()
        os.close(self.master)

    def _reap(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        self.ended = os.waitstatus_to_exitcode(status)


def _width(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
