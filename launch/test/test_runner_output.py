"""What processes print is readable: whole lines with names, and progress bars that do not flood."""

from __future__ import annotations

import io
from collections import deque

from mentor_bringup.runner.output import Lines, Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_to(stream: io.StringIO, shown: bool = True) -> tuple[Lines, deque[str]]:
    remembered: deque[str] = deque(maxlen=3)
    return Lines("[n-1] ", Screen(stream), remembered, shown), remembered


def test_lines_that_come_in_pieces_are_printed_whole() -> None:
    stream = io.StringIO()
    lines, _ = lines_to(stream)
    for piece in (b"one\ntw", b"o \xc3", b"\xa4\r\n", b"rest"):
        lines.feed(piece)
    lines.end()
    assert stream.getvalue() == "[n-1] one\n[n-1] two ä\n[n-1] rest\n"


def test_a_progress_bar_in_a_file_is_printed_seldom_and_in_its_last_state() -> None:
    stream = io.StringIO()
    lines, _ = lines_to(stream)
    for percent in range(101):
        lines.feed(f"\r{percent} %".encode())
    lines.feed(b"\n")
    assert stream.getvalue() == "[n-1] 0 %\n[n-1] 100 %\n"


def test_a_progress_bar_on_a_terminal_stays_one_line_below_the_others() -> None:
    stream = Terminal()
    lines, _ = lines_to(stream)
    lines.feed(b"\r1 %")
    lines._screen.line("[m-2] hello")
    lines.feed(b"\r2 %\n")
    assert stream.getvalue() == (
        "\r\x1b[K[n-1] 1 %\r\x1b[K[m-2] hello\n[n-1] 1 %\r\x1b[K[n-1] 2 %\n"
    )


def test_the_last_lines_are_remembered_even_if_they_are_not_shown() -> None:
    stream = io.StringIO()
    lines, remembered = lines_to(stream, shown=False)
    lines.feed(b"".join(b"line %d\n" % i for i in range(9)))
    assert stream.getvalue() == ""
    assert list(remembered) == ["line 6", "line 7", "line 8"]
