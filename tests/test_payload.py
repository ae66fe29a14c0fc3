from __future__ import annotations

from pathlib import Path

import pytest

from orchctl.errors import LocalFault, UsageFault
from orchctl.model import Json
from orchctl.payload import build, merged_pairs, pair, parse_json, read_data, typed_pair


def no_stdin() -> str:
    raise AssertionError("standard input is not to be read")


def test_pairs() -> None:
    assert pair("a=b=c") == ("a", "b=c")
    assert pair("a=") == ("a", "")
    assert typed_pair("lines=[1, 2.5, null]") == ("lines", [1, 2.5, None])


@pytest.mark.parametrize("text", ["a", "=b", ""])
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(UsageFault, match="not of the form KEY=VALUE"):
        pair(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{a: 1}",
            "--data is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
        ),
        ("", "--data is not JSON: Expecting value at line 1, column 1"),
        ("NaN", "--data is not JSON: NaN is no JSON value"),
        ('{"a":1,"a":2}', "--data is not JSON: the key 'a' stands twice in one object"),
        ("[" * 100_000, "--data is nested too deeply"),
    ],
)
def test_bad_json_is_told_where_and_why(text: str, said: str) -> None:
    with pytest.raises(UsageFault) as caught:
        read_data(text, no_stdin)
    assert caught.value.message == said


def test_data_from_a_file_with_a_byte_order_mark_and_from_stdin(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(b"\xef\xbb\xbf" + '{"имя": 1}'.encode())
    assert read_data(f"@{file}", no_stdin) == {"имя": 1}
    assert read_data("-", lambda: "[1]") == [1]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LocalFault, match="No such file"):
        read_data(f"@{tmp_path}/none", no_stdin)
    (tmp_path / "latin").write_bytes(b'"\xe9"')
    with pytest.raises(UsageFault, match="is not UTF-8 text"):
        read_data(f"@{tmp_path}/latin", no_stdin)


def test_pairs_lie_over_data() -> None:
    assert build({"a": 1, "b": 2}, merged_pairs([("b", "x")], [("c", [1])])) == {"a": 1, "b": "x", "c": [1]}
    assert build([1], {}) == [1]
    with pytest.raises(UsageFault, match="--data is none"):
        build([1], {"a": 1})
    with pytest.raises(UsageFault, match="'a' is given twice"):
        merged_pairs([("a", "1")], [("a", 1)])


def test_parse_json_keeps_big_and_exact_values() -> None:
    value: Json = {"n": 12345678901234567890, "t": "\u0000é"}
    assert parse_json('{"n": 12345678901234567890, "t": "\\u0000é"}', "it") == value
