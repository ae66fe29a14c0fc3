"""Following against a server that is late, out of order, double and away, on clocks of our own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchctl.client import Client
from orchctl.client.following import in_order
from orchctl.client.logs import NO_TIME
from orchctl.dialects.base import Dialect, Feature, Page
from orchctl.errors import NetworkFault, NotAllowed, NotFound, Unavailable
from orchctl.model import LogEntry, LogFilter, LogLevel
from orchctl.registry import Registry

BEGINNING = datetime(2026, 1, 31, 18, tzinfo=UTC)


def entry(second: float, message: str = "", *, ident: str | None = None) -> LogEntry:
    return LogEntry(
        id=ident,
        time=BEGINNING + timedelta(seconds=second),
        level=LogLevel.INFO,
        message=message or f"at {second:g}",
    )


class Speaker(Dialect):
    """A dialect whose server is a list; ``shape`` shapes each answer, or raises; ``cut`` breaks it off there."""

    name = "speaker"
    title = "Speaker"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.LIST_LOG_ENTRIES})
    gaps: ClassVar[Any] = {}
    page_size = 1000

    def __init__(self) -> None:
        self.log: list[LogEntry] = []
        self.shape: Callable[[list[LogEntry]], Iterator[LogEntry]] = iter
        self.cut: int | None = None
        self.asked: list[datetime | None] = []

    @staticmethod
    def authorization(context: Any, secret: str) -> dict[str, str]:
        return {}

    def list_log_entries(self, wanted: LogFilter, cursor: str | None) -> Page[LogEntry]:
        if cursor is None:
            self.asked.append(wanted.since)
            self.answer = list(self.shape(self._since(wanted.since)))
        begin = int(cursor or 0)
        end = begin + self.page_size
        is_last = end >= len(self.answer)
        return Page(self._rows(begin, end, is_last=is_last), next=None if is_last else str(end))

    def _rows(self, begin: int, end: int, *, is_last: bool) -> Iterator[LogEntry]:
        """What was given before it broke off has been taken."""
        for number, each in enumerate(self.answer[begin:end], begin):
            if number == self.cut:
                raise NetworkFault("cut off")
            yield each
        if is_last and self.cut == len(self.answer):
            raise NetworkFault("cut off at the end")

    def _since(self, since: datetime | None) -> list[LogEntry]:
        return list(self.log)


class Filtering(Speaker):
    """One that lists from a time on, as UiPath does."""

    lists_log_from_a_time = True

    def _since(self, since: datetime | None) -> list[LogEntry]:
        return [each for each in self.log if since is None or each.time >= since]


class Following:
    """A follower and its world: ``act`` is called at each pause, and ends the run by returning True."""

    def __init__(self, dialect: Speaker, act: Callable[[int], bool | None]) -> None:
        self.notes: list[str] = []
        self.pauses: list[float] = []
        self.now = BEGINNING + timedelta(days=1)
        self.act = act
        self.client = Client(
            dialect,
            Registry.of("test"),
            note=self.notes.append,
            sleep=self._sleep,
            clock=lambda: sum(self.pauses),
            now=lambda: self.now,
        )

    def run(self, wanted: LogFilter | None = None, **options: Any) -> list[LogEntry]:
        found: list[LogEntry] = []
        try:
            for batch in self.client.follow_log(wanted or LogFilter(), **options):
                found += batch
        except _Enough:
            pass
        return found

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.act(len(self.pauses)):
            raise _Enough


class _Enough(Exception):
    pass


@pytest.fixture(params=[Speaker, Filtering])
def dialect(request: pytest.FixtureRequest) -> Speaker:
    made: Speaker = request.param()
    return made


def test_what_is_added_comes_once(dialect: Speaker) -> None:
    dialect.log = [entry(1), entry(2)]

    def act(pause: int) -> bool:
        dialect.log.append(entry(2 + pause))
        return pause == 4

    assert [each.message for each in Following(dialect, act).run()] == [
        "at 1",
        "at 2",
        "at 3",
        "at 4",
        "at 5",
    ]


def test_equal_entries_without_ids_are_as_many_as_there_are(dialect: Speaker) -> None:
    dialect.log = [entry(1, "same"), entry(1, "same")]

    def act(pause: int) -> bool:
        dialect.log.insert(0, entry(1, "same"))
        return pause == 3

    assert len(Following(dialect, act).run()) == 4


def test_it_begins_with_the_last(dialect: Speaker) -> None:
    dialect.log = [entry(second) for second in range(100)]

    def act(pause: int) -> bool:
        dialect.log.append(entry(100 + pause))
        return pause == 3

    found = Following(dialect, act).run(count=2)
    assert [each.message for each in found] == ["at 98", "at 99", "at 101", "at 102"]
    dialect.log = [entry(second) for second in range(100)]
    assert [each.message for each in Following(dialect, act).run(count=0)] == ["at 101", "at 102"]


def test_an_empty_log_is_followed_from_its_first_entry(dialect: Speaker) -> None:
    def act(pause: int) -> bool:
        dialect.log.append(entry(pause))
        return pause == 3

    assert [each.message for each in Following(dialect, act).run(count=10)] == ["at 1", "at 2"]


def test_the_last_are_found_however_old_they_are() -> None:
    dialect = Filtering()
    dialect.log = [entry(-86400 * 40), entry(-86400 * 20)]
    follower = Following(dialect, lambda pause: True)
    assert len(follower.run(count=2)) == 2
    backs = [None if since is None else follower.now - since for since in dialect.asked]
    assert backs == [timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=30), None]


def test_what_comes_late_or_from_a_robot_whose_clock_is_ahead_is_not_lost() -> None:
    dialect = Filtering()
    dialect.log = [entry(100), entry(100 + 86400 * 365, "from the future")]
    follower = Following(dialect, lambda pause: None)
    follower.now = BEGINNING + timedelta(seconds=101)

    def act(pause: int) -> bool:
        follower.now += timedelta(seconds=10)
        dialect.log += [entry(101 + pause * 10 - 55, f"late {pause}"), entry(101 + pause * 10)]
        return pause == 5

    follower.act = act
    found = [each.message for each in follower.run()]
    assert Counter(found) == Counter(each.message for each in dialect.log[: len(found)])
    assert len(found) == 2 + 2 * 4


def test_what_comes_as_late_as_the_overlap_is_not_lost_where_only_the_last_were_looked_for() -> None:
    dialect = Filtering()
    now = 100_000.0
    dialect.log = [entry(now - 2000, "old"), entry(now - 5)]
    follower = Following(dialect, lambda pause: None)
    follower.now = BEGINNING + timedelta(seconds=now)

    def act(pause: int) -> bool:
        dialect.log.append(entry(now - 1200 + pause, f"late {pause}"))
        return pause == 3

    follower.act = act
    found = follower.run(count=1, overlap=timedelta(hours=1))
    assert [each.message for each in found] == ["at 99995", "late 1", "late 2"]


def test_an_hour_that_comes_twice_is_no_loss_where_each_answer_is_the_whole_log() -> None:
    dialect = Speaker()
    dialect.log = [entry(3600)]

    def act(pause: int) -> bool:
        dialect.log.append(entry(pause))
        return pause == 3

    assert [each.message for each in Following(dialect, act).run()] == ["at 3600", "at 1", "at 2"]


def test_entries_without_a_time_are_shown_once() -> None:
    dialect = Speaker()  # a server that lists from a time on has one for each

    def act(pause: int) -> bool:
        dialect.log += [
            entry(86400 * pause),
            LogEntry(id=f"x{pause}", time=NO_TIME, level=LogLevel.INFO, message="when?"),
        ]
        return pause == 4

    assert [each.message for each in Following(dialect, act).run()].count("when?") == 3


def test_a_message_that_grows_goes_on_where_it_was(dialect: Speaker) -> None:
    dialect.log = [entry(1, "Traceback", ident="1")]

    def act(pause: int) -> bool:
        dialect.log[0] = entry(1, dialect.log[0].message + f"\n  line {pause}", ident="1")
        return pause == 3

    assert [each.message for each in Following(dialect, act).run()] == ["Traceback", "  line 1", "  line 2"]


def test_what_is_lost_is_told(dialect: Speaker) -> None:
    dialect.log = [entry(1), entry(2)]

    def act(pause: int) -> bool:
        if pause == 1:
            dialect.log = [entry(500), entry(501)]
        return pause == 3

    follower = Following(dialect, act)
    assert len(follower.run()) == 4
    assert follower.notes == [
        "gap: what was read up to 2026-01-31T18:00:02Z is not in the log any more (purged or rotated): "
        "entries from then to 2026-01-31T18:08:20Z may be missing"
    ]


def test_what_is_lost_is_told_though_a_robot_whose_clock_is_ahead_is_still_there(dialect: Speaker) -> None:
    ahead = entry(86400 * 365, "ahead", ident="ahead")
    dialect.log = [entry(1, ident="1"), entry(2, ident="2"), ahead]
    follower = Following(dialect, lambda pause: None)
    follower.now = BEGINNING + timedelta(seconds=3)

    def act(pause: int) -> bool:
        follower.now += timedelta(seconds=300)
        if pause == 1:
            dialect.log = [ahead, entry(299, ident="299")]
        return pause == 3

    follower.act = act
    follower.run()
    assert follower.notes == [
        "gap: what was read up to 2026-01-31T18:00:02Z is not in the log any more (purged or rotated): "
        "entries from then to 2026-01-31T18:04:59Z may be missing"
    ]


@pytest.mark.parametrize("ours", [-3600, 0, 3600])
def test_a_quiet_log_is_no_gap_whichever_clock_is_ahead(dialect: Speaker, ours: float) -> None:
    dialect.log = [entry(0), entry(1), entry(86400 * 365, "ahead")]
    follower = Following(dialect, lambda pause: None)
    clock = 2.0
    follower.now = BEGINNING + timedelta(seconds=clock + ours)

    def act(pause: int) -> bool:
        nonlocal clock
        clock += 1800
        follower.now = BEGINNING + timedelta(seconds=clock + ours)
        if pause % 2:
            dialect.log.append(entry(clock - 1))
        return pause == 8

    follower.act = act
    assert len(follower.run()) == 7
    assert follower.notes == []


@pytest.mark.parametrize("ours", [-3600, 0, 3600])
def test_a_log_that_keeps_only_the_last_is_no_gap_whichever_clock_is_ahead(
    dialect: Speaker, ours: float
) -> None:
    dialect.log = [entry(second) for second in range(0, 600, 100)]
    follower = Following(dialect, lambda pause: None)
    follower.now = BEGINNING + timedelta(seconds=501 + ours)

    def act(pause: int) -> bool:
        follower.now += timedelta(seconds=100)
        dialect.log = [*dialect.log[1:], entry(500 + 100 * pause)]
        return pause == 50

    follower.act = act
    assert len(follower.run()) == 6 + 49
    assert follower.notes == []


def test_a_log_that_was_emptied_and_has_nothing_new_is_no_gap_yet(dialect: Speaker) -> None:
    dialect.log = [entry(1)]

    def act(pause: int) -> bool:
        dialect.log = []
        return pause == 3

    follower = Following(dialect, act)
    follower.run()
    assert follower.notes == []


def test_nothing_was_lost_is_not_said_of_a_log_that_came_back_empty(dialect: Speaker) -> None:
    dialect.log = [entry(1)]

    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        if len(dialect.asked) == 2:
            raise NetworkFault("away")
        return iter(log)

    def act(pause: int) -> bool:
        dialect.log = [entry(500)] if pause > 2 else []
        return pause == 4

    dialect.shape = shape
    follower = Following(dialect, act)
    follower.run()
    assert follower.notes[:2] == ["away; following goes on", "the log can be read again"]
    assert [note.partition(":")[0] for note in follower.notes[2:]] == ["gap"]


def test_nothing_was_lost_of_what_was_never_there(dialect: Speaker) -> None:
    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        if len(dialect.asked) == 1:
            raise NetworkFault("away")
        return iter(log)

    dialect.shape = shape
    follower = Following(dialect, lambda pause: pause == 2)
    follower.run()
    assert follower.notes == ["away; following goes on", "the log can be read again; nothing was lost"]


@pytest.mark.parametrize("error", [NetworkFault("cannot connect"), Unavailable("busy")])
def test_four_lost_polls_are_borne_and_the_fifth_ends_it(dialect: Speaker, error: Exception) -> None:
    dialect.log = [entry(1)]
    broken = [2, 3, 4, 5]

    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        if len(dialect.asked) in broken:
            raise error
        return iter(log)

    def act(pause: int) -> bool:
        dialect.log.append(entry(1 + pause))
        return pause == 6

    dialect.shape = shape
    follower = Following(dialect, act)
    assert len(follower.run()) == 6
    assert follower.notes == [f"{error}; following goes on"] * 4 + [
        "the log can be read again; nothing was lost"
    ]
    broken += [6, 7]
    dialect.asked.clear()
    dialect.log = [entry(1)]
    with pytest.raises(type(error)):
        Following(dialect, act).run()


@pytest.mark.parametrize("error", [NotFound("no log"), NotAllowed("not allowed")])
def test_what_does_not_pass_ends_it_at_once(dialect: Speaker, error: Exception) -> None:
    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        raise error

    dialect.shape = shape
    follower = Following(dialect, lambda pause: True)
    with pytest.raises(type(error)):
        follower.run()
    assert follower.pauses == []


def test_it_ends_when_until_is_over(dialect: Speaker) -> None:
    dialect.log = [entry(1)]
    follower = Following(dialect, lambda pause: None)
    follower.now = BEGINNING

    def act(pause: int) -> None:
        follower.now += timedelta(seconds=10)
        dialect.log.append(entry(pause * 10))

    follower.act = act
    found = follower.run(LogFilter(until=BEGINNING + timedelta(seconds=25)))
    assert [each.message for each in found] == ["at 1", "at 10", "at 20"]


def test_a_log_that_takes_long_to_read_is_read_rarely() -> None:
    dialect = Speaker()
    follower = Following(dialect, lambda pause: pause == 2)

    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        follower.pauses.append(30.0)  # so long on the clock
        return iter(log)

    dialect.shape = shape
    follower.act = lambda pause: pause > 2
    follower.run(interval=2)
    assert follower.pauses == [30.0, 30.0, 30.0, 30.0]


def test_many_at_once_are_put_in_order_without_holding_all() -> None:
    shuffled = [entry(second) for second in range(1000)]
    for begin in range(0, 1000, 5):
        shuffled[begin : begin + 5] = reversed(shuffled[begin : begin + 5])
    batches = list(in_order(iter(shuffled), held=10))
    assert max(map(len, batches)) <= 20
    assert [each for batch in batches for each in batch] == sorted(shuffled, key=lambda each: each.time)
    backwards = list(in_order(iter([entry(second) for second in range(1000, 0, -1)]), held=10))
    assert [each.time for batch in backwards for each in batch] == [entry(s).time for s in range(1, 1001)]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
@pytest.mark.parametrize("kind", [Speaker, Filtering])
def test_the_output_is_the_truth(kind: type[Speaker], data: st.DataObject, seed: int) -> None:
    """Whatever arrives late within the overlap, of equal times and values, in pages cut off anywhere."""
    chance = random.Random(seed)
    dialect = kind()
    dialect.page_size = data.draw(st.integers(1, 20))
    has_ids = data.draw(st.booleans())
    truth: list[LogEntry] = []
    clock = 0.0

    def write() -> None:
        nonlocal clock
        for _ in range(chance.randrange(8)):
            clock += chance.choice([0, 0, 0.001, 1, 20])
            time = clock - chance.choice([0, 0, 0, 5, 59])
            made = entry(time, chance.choice(["a", "b"]), ident=str(len(truth)) if has_ids else None)
            truth.append(made)
        dialect.log = list(truth)
        clock += chance.choice([0, 1, 30])

    def shape(log: list[LogEntry]) -> Iterator[LogEntry]:
        if chance.random() < 0.5:
            chance.shuffle(log)
        is_cut = log and chance.random() < 0.3 and lost[0] < 4
        dialect.cut = chance.randrange(len(log) + 1) if is_cut else None
        lost[0] = lost[0] + 1 if is_cut else 0
        return iter(log)

    def act(pause: int) -> bool:
        if pause < polls:
            write()
        return pause >= polls + 5 and lost[0] == 0

    lost = [0]
    polls = data.draw(st.integers(1, 30))
    write()
    dialect.shape = shape
    found = Following(dialect, act).run()
    assert Counter(found) == Counter(truth)
