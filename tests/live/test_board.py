"""What top shows, line by line, at 80 columns and 24 lines and elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchctl.client.overview import JobView, Overview, QueueView, RobotView
from orchctl.live.board import Board, ago, sparkline
from orchctl.live.top import Pulse, once
from orchctl.model import JobStatus, RobotStatus, Unknown

NOW = datetime(2026, 1, 31, 18, tzinfo=UTC)


def before(**span: float) -> datetime:
    return NOW - timedelta(**span)


def queue(name: str, **more: Any) -> QueueView:
    return QueueView(queue=name, total=0, **more)


OVERVIEW = Overview(
    at=NOW,
    queues=(
        queue(
            "Invoices",
            new=12,
            in_progress=2,
            failed=3,
            done_last_hour=240,
            failed_last_hour=1,
            oldest_waiting_at=before(minutes=14),
            history=(0, 0, 1, 2, 4, 8, 16, 8, 4, 2, 1, 0),
        ),
        queue("Счета на оплату", new=250_000, postponed=1),
        queue("evil\x1b[2J", history=(0,) * 12),
    ),
    robots=(
        RobotView(
            id="1",
            name="R1",
            status=RobotStatus.WORKING,
            job="Invoices",
            job_id="0" * 30 + "abcdef",
            last_seen_at=before(seconds=3),
        ),
        RobotView(id="2", name="R2", status=RobotStatus.DISCONNECTED),
        RobotView(id="3", name="R3", status=Unknown(9), last_seen_at=before(days=3)),
    ),
    jobs=(
        JobView(
            id="0" * 30 + "abcdef",
            status=JobStatus.IN_PROGRESS,
            process="Invoices",
            robot="R1",
            started_at=before(hours=2),
        ),
        JobView(
            id="0" * 30 + "123456",
            status=JobStatus.FAILED,
            process="Mail",
            robot="R2",
            started_at=before(minutes=5),
            ended_at=before(minutes=1),
        ),
    ),
)


def board(**more: Any) -> Board:
    return Board(title="prod (Sherpa Orchestrator)", color=False, interval=5, **more)


def screen(made: Board, overview: Overview | None = OVERVIEW, width: int = 80, height: int = 24) -> list[str]:
    lines = made.frame(overview, width, height, NOW)
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def test_all_of_it_at_80_by_24(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = screen(board())
    assert lines[0].startswith("orchctl top  prod (Sherpa Orchestrator)")
    assert lines[0].split()[-3:-1] == ["every", "5s"]
    assert lines[1:17] == [
        "",
        "QUEUE            NEW▾  WORK  LATER  FAILED  DONE/H  FAIL/H  OLDEST DONE+FAIL/H",
        "Счета на опла…   250k     0      1       0       -       -       -",
        "Invoices           12     2      0       3     240       1     14m ▁▁▁▁▂▄█▄▂▁▁▁",
        "evil\\x1b[2J         0     0      0       0       -       -       - ▁▁▁▁▁▁▁▁▁▁▁▁",
        "",
        "ROBOT                            STATUS▴       RUNS                        SEEN",
        "R1                               working       Invoices …00abcdef            3s",
        "R2                               disconnected  -                              -",
        "R3                               unknown       -                             3d",
        "",
        "JOB       PROCESS                   ROBOT          STATUS▴        BEGAN   ENDED",
        "…00123456 Mail                      R2             failed            5m      1m",
        "…00abcdef Invoices                  R1             in-progress       2h       -",
        "",
        "",
    ]
    assert lines[-1] == "q leave  Tab section  s sort  r reverse  / filter  p pause  ? help"


def test_keys_sort_filter_and_choose() -> None:
    made = board()

    def names() -> list[str]:
        return [line.split()[0] for line in screen(made)[3:6] if line]

    assert names() == ["Счета", "Invoices", "evil\\x1b[2J"]
    made.press("r")
    assert names() == ["evil\\x1b[2J", "Invoices", "Счета"]
    made.press("S")
    assert names() == ["evil\\x1b[2J", "Invoices", "Счета"]  # by name, in the order of letters
    for key in ["/", "I", "N", "V", "x", "backspace", "enter"]:
        made.press(key)
    assert names() == ["Invoices", "ROBOT"]
    assert "with 'INV' (Esc: all)" in screen(made)[-1]
    assert not any("R2" in line for line in screen(made)[6:])
    made.press("escape")
    assert len(names()) == 3
    made.press("/")
    made.press("q")
    assert made.filter == "q"
    made.press("escape")
    assert (made.filter, made.typing) == ("", None)
    made.press("3")
    assert made.focus == "jobs"
    made.press("tab")
    assert made.focus == "queues"
    made.press("back tab")
    assert made.focus == "jobs"
    made.press("?")
    assert "  q, Ctrl-C      leave" in screen(made)
    made.press("p")
    assert "paused" in screen(made)[0]
    made.press("+")
    made.press("+")
    made.press("-")
    assert made.interval == 10


def test_many_rows_share_the_room_and_scroll() -> None:
    many = Overview(
        at=NOW,
        queues=tuple(queue(f"Q{number:03}", new=number) for number in range(100)),
        robots=tuple(RobotView(id=str(n), name=f"R{n}", status=RobotStatus.READY) for n in range(50)),
    )
    made = board()
    lines = screen(made, many)
    assert lines[2].startswith("QUEUE 1-8/100 ")
    assert lines[3].split()[0] == "Q099"
    assert sum(line.startswith("Q0") for line in lines) == 8
    assert sum(line[:1] == "R" and line[1:2].isdigit() for line in lines) == 7
    assert "  no jobs" in lines
    made.press("page down")
    made.press("down")
    assert screen(made, many)[3].split()[0] == "Q088"
    for _ in range(20):
        made.press("page down")
    assert screen(made, many)[10].split()[0] == "Q000"
    made.press("up")
    assert screen(made, many)[10].split()[0] == "Q001"


@pytest.mark.parametrize(("width", "height"), [(20, 5), (40, 10), (79, 23), (120, 40), (200, 60), (1, 1)])
def test_any_size(width: int, height: int) -> None:
    for overview in (None, OVERVIEW, Overview(at=NOW)):
        made = board()
        lines = made.frame(overview, width, height, NOW)
        assert len(lines) == max(1, height)
        made.press("?")
        assert len(made.frame(overview, width, height, NOW)) == max(1, height)


def test_what_does_not_fit_is_counted_and_what_is_chosen_comes_first() -> None:
    made = board()
    lines = screen(made, width=40, height=10)
    assert [line.partition(" ")[0] for line in lines[2:]] == [
        *("QUEUE", "Счета", "Invoices", "", "ROBOT", "R1", "...", "q")
    ]
    assert lines[8] == "... 5 more lines"
    made.press("3")
    lines = screen(made, width=40, height=10)
    assert lines[2].startswith("JOB")
    assert lines[8] == "... 5 more lines"
    made.press("?")
    assert made.frame(OVERVIEW, 40, 10, NOW)[8] == "... 4 more lines"


def test_a_wide_screen_shows_whole_ids() -> None:
    assert any(line.startswith("0" * 30 + "123456 Mail") for line in screen(board(), width=130, height=30))


def test_what_is_in_the_way_is_said() -> None:
    made = board(trouble="cannot connect; trying again")
    assert screen(made, None)[-1] == "cannot connect; trying again"
    assert screen(made)[-1].endswith(": cannot connect; trying again")
    missing = Overview(at=NOW, missing={"robots": "ELMA RPA has no call that lists robots"})
    assert "  ELMA RPA has no call that lists robots" in screen(board(), missing)
    assert "note: seen here only" in screen(board(notes=["seen here only"]), width=120)[-1]


def test_colours_are_there_and_do_not_move_anything() -> None:
    colored = Board(title="prod", color=True, interval=5)
    plain = Board(title="prod", color=False, interval=5)
    lines = colored.frame(OVERVIEW, 80, 24, NOW)
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in lines] == plain.frame(OVERVIEW, 80, 24, NOW)
    assert any("\x1b[31mfailed" in line for line in lines)


def test_once_is_all_of_it() -> None:
    text = once(OVERVIEW, title="prod", width=80, now=NOW)
    assert text.startswith("QUEUE ")
    assert text.count("\n") == 4 + 1 + 4 + 1 + 3
    assert "help" not in text


def test_small_texts() -> None:
    assert sparkline((0, 1, 8)) == "▁▁█"
    assert sparkline(()) == sparkline(None) == ""
    spans = [
        before(seconds=-5),
        before(seconds=59),
        before(minutes=59.9),
        before(hours=23),
        before(days=400),
        None,
    ]
    assert [ago(span, NOW) for span in spans] == ["0s", "59s", "59m", "23h", "400d", "-"]


def test_what_ended_is_told_from_counts_where_the_server_says_no_more() -> None:
    pulse = Pulse()
    seen = [
        pulse.feel(
            Overview(at=NOW + timedelta(minutes=minute), queues=(queue("Q", success=done, failed=bad),))
        )
        for minute, done, bad in [(0, 100, 5), (6, 110, 5), (12, 110, 7), (70, 111, 7)]
    ]
    views = [overview.queues[0] for overview in seen]
    assert [(view.done_last_hour, view.failed_last_hour) for view in views] == [
        (0, 0),
        (10, 0),
        (10, 2),
        (1, 0),
    ]
    assert views[2].history == (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 2)
