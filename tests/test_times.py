from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchctl.errors import UsageFault
from orchctl.times import parse_duration, parse_time, rfc3339

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h30m", 9000),
        ("1d", 86400),
        ("45", 45),
        ("1.5h", 5400),
        (".5", 0.5),
        (".5s", 0.5),
        (" 2M ", 120),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "-5", "10x", "1h2", "h", "٣m", "1e9", "99999999999999d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("2026-01-31T18:00:00Z", datetime(2026, 1, 31, 18, tzinfo=UTC)),
        ("2026-01-31 18:00:00+03:00", datetime(2026, 1, 31, 15, tzinfo=UTC)),
        ("2026-01-31T18:00:00.250+0300", datetime(2026, 1, 31, 15, 0, 0, 250000, tzinfo=UTC)),
        ("10m", NOW + timedelta(minutes=10)),
    ],
)
def test_times_ahead(text: str, moment: datetime) -> None:
    assert parse_time(text, now=NOW, forward=True) == moment


def test_a_duration_counts_back_where_the_past_is_asked_for() -> None:
    assert parse_time("2h", now=NOW, forward=False) == NOW - timedelta(hours=2)


@pytest.mark.parametrize("word", ["today", "yesterday", "tomorrow"])
def test_days_begin_at_local_midnight(word: str) -> None:
    local = parse_time(word, now=NOW, forward=True).astimezone()
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert local.date() - NOW.astimezone().date() == timedelta(
        days=["yesterday", "today", "tomorrow"].index(word) - 1
    )


def test_a_day_with_a_clock_time() -> None:
    local = parse_time("today 18:30", now=NOW, forward=True).astimezone()
    assert (local.date(), local.hour, local.minute) == (NOW.astimezone().date(), 18, 30)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "2026-02-30T00:00:00Z", "today 25:00", "99999999d"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_time(text, now=NOW, forward=False)
    assert caught.value.message == f"{text!r} is not a time"


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_a_usage_fault(text: str) -> None:
    try:
        assert parse_time(text, now=NOW, forward=True).tzinfo is not None
    except UsageFault:
        pass


def test_rfc3339_is_utc_with_a_fraction_only_where_there_is_one() -> None:
    assert rfc3339(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
    assert rfc3339(datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)) == "2026-01-02T03:04:05.600000Z"
