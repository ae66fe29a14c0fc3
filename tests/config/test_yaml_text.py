"""Strict YAML: what is refused, what means what, and edits that leave everything else as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchctl import yaml_text
from orchctl.errors import LocalFault
from orchctl.model import Json


def value(text: str) -> Json:
    return yaml_text.value(yaml_text.read(text, source="f"))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("'true'", "true"),
        ("null", None),
        ("~", None),
        ("NULL", "NULL"),
        ("", None),
        ("''", ""),
        ("12", 12),
        ("-3", -3),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:20", "1:20"),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", ".5"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("'12'", "12"),
        ("9" * 400, "9" * 400),
        ("=", "="),
        ("<<", "<<"),
        ("[a, 1, [true]]", ["a", 1, [True]]),
        ("{a: {b: }}", {"a": {"b": None}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("x: &a {k: 1}\ny: *a", {"x": {"k": 1}, "y": {"k": 1}}),
        ("# nothing\n", None),
    ],
)
def test_what_a_text_means(text: str, meaning: Json) -> None:
    assert value(text) == meaning
    assert type(value(text)) is type(meaning)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", 'f:3: the key "a" is here twice (first in line 1)'),
        ("x:\n  a: 1\n  'a': 2", 'f:3: the key "a" is here twice (first in line 2)'),
        (
            "a: !!python/object:os.system 1",
            "f:1: tags such as tag:yaml.org,2002:python/object:os.system are not",
        ),
        ("a:\n  !x b", "f:2: tags such as !x"),
        ("a: !!binary aGk=", "f:1: tags such as tag:yaml.org,2002:binary"),
        ("? [a]\n: 1", "f:1: a key must be text"),
        ("a: 1\n--- \nb: 2", "f:2: a second document begins here"),
        ("a: [1,\nb: 2", "f:3: this is not YAML: did not find expected ',' or ']', in what begins in line 1"),
        ("a: b: c", "f:1: this is not YAML: mapping values are not allowed in this context"),
        ("a:\n\tb: 1", "f:2: this is not YAML: found character that cannot start any token"),
        ("a: *nowhere", "f:1: nothing before this is called &nowhere"),
        ('a: "x', "f:1: this is not YAML: found unexpected end of stream"),
        ("a: 1\nb: \x00", "f:2: this is not YAML: control characters are not allowed"),
        ("a: \x1b[0m", "f:1: this is not YAML: control characters are not allowed"),
        ("&a [*a]", "f:1: nothing before this is called &a"),
        ("[" * 102 + "]" * 102, "f:1: this is nested more than 100 deep"),
        ("[" * 500_000, "f:1: this is nested more than 100 deep"),
        ("a: \ud800", "f: this is not YAML: it holds half a character"),
        ("a:\n- 1e999", "f:2: the number 1e999 is too large"),
        ("-1.5E+400", "f:1: the number -1.5E+400 is too large"),
        ("x: &a {k: 1e999}", "f:1: the number 1e999 is too large"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(LocalFault) as caught:
        value(text)
    assert caught.value.message.startswith(message)


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(LocalFault, match="aliases make this too large"):
        value("\n".join(lines))


def test_a_bomb_of_a_long_text_is_refused_too() -> None:
    text = f"k: &s {'z' * 50_000}\nv: [{', '.join(['*s'] * 400)}]"
    with pytest.raises(LocalFault, match="f:2: aliases make this too large"):
        value(text)
    assert value(text.replace("*s, " * 200, "")) is not None  # and half of it is not


def test_a_tower_of_aliases_is_nested_as_deep_as_what_it_stands_for() -> None:
    def tower(floors: int, each: int) -> str:
        lines = [f"a0: &a0 {'[' * each}{']' * each}"]
        lines += [f"a{n}: &a{n} {'[' * each}*a{n - 1}{']' * each}" for n in range(1, floors)]
        return "\n".join(lines)

    assert value(tower(9, 11)) is not None
    with pytest.raises(LocalFault, match="f:2: this is nested more than 100 deep"):
        value(tower(40, 90))


def test_what_looks_like_too_large_a_number_is_a_text_in_quotes_and_as_a_key() -> None:
    assert value("'1e999': \"1e999\"") == {"1e999": "1e999"}
    assert value("1e999: 1\n&k 1e998: *k") == {"1e999": 1, "1e998": "1e998"}
    assert value(yaml_text.dump(["1e999", "-2E400"])) == ["1e999", "-2E400"]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20) | st.sampled_from(
    [
        "yes",
        "true",
        "null",
        "~",
        "010",
        "1:20",
        "1e5",
        "-",
        "a: b",
        "#",
        " x ",
        "'",
        '"',
        "2026-01-31",
        "[",
        "*a",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(documents, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_dumped_is_read_back(data: Json, flow: bool) -> None:
    assert value(yaml_text.dump(data, flow=flow)) == data


FILE = """\
# mine
current-context: prod  # the one

contexts:
  # production
  prod: {dialect: sherpa, url: "https://p"}  # careful
  forms:
    dialect: elma   # another
    url: https://f

# at the end
defaults:
  parallel: 3
"""


def test_a_value_is_set_in_its_place() -> None:
    assert yaml_text.put(FILE, ("current-context",), "forms") == FILE.replace(": prod  #", ": forms  #")


def test_an_entry_is_added_behind_its_siblings_and_before_the_comments_that_follow() -> None:
    added = yaml_text.put(FILE, ("contexts", "new"), {"dialect": "x", "words": ["a", "true"], "code": "010"})
    entry = "  new:\n    dialect: x\n    words:\n    - a\n    - \"true\"\n    code: '010'\n"
    assert added == FILE.replace("https://f\n", f"https://f\n{entry}")


def test_an_entry_is_added_in_braces() -> None:
    assert yaml_text.put(FILE, ("contexts", "prod", "auth"), "basic") == FILE.replace(
        '"https://p"}', '"https://p", auth: basic}'
    )


def test_an_entry_is_dropped_with_its_lines_only() -> None:
    expected = FILE.replace("  forms:\n    dialect: elma   # another\n    url: https://f\n", "")
    assert yaml_text.drop(FILE, ("contexts", "forms")) == expected


def test_a_key_is_renamed_in_its_place() -> None:
    assert yaml_text.rename(FILE, ("contexts", "prod"), "true") == FILE.replace("  prod:", '  "true":')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "contexts:\n  a:\n    b: c\n"),
        ("# only words", "# only words\ncontexts:\n  a:\n    b: c\n"),
        ("x: 1", "x: 1\ncontexts:\n  a:\n    b: c\n"),
        ("contexts:  # none\nx: 1\n", "contexts:  # none\n  a:\n    b: c\nx: 1\n"),
        ("contexts: {}\nx: 1\n", "contexts:\n  a:\n    b: c\nx: 1\n"),
        ("contexts: ~\n", "contexts:\n  a:\n    b: c\n"),
        ("contexts:\n    z: {}", "contexts:\n    z: {}\n    a:\n      b: c\n"),
        ("contexts: {z: {}}\n", "contexts: {z: {}, a: {b: c}}\n"),
        ("{}", "{contexts: {a: {b: c}}}"),
        ("contexts:\n  z:\n    t: |\n      line\n\n# end\n", None),
        ("contexts: {\n  z: {},  # why\n}\n", None),
    ],
)
def test_an_entry_is_added_whatever_the_file_looks_like(before: str, after: str | None) -> None:
    added = yaml_text.put(before, ("contexts", "a"), {"b": "c"})
    assert value(added)["contexts"]["a"] == {"b": "c"}  # type: ignore[index,call-overload]  # a mapping
    if after is not None:
        assert added == after


def test_a_notation_that_cannot_be_spliced_is_written_anew_below_the_comments_on_top() -> None:
    text = "# top\n\ncontexts: {a: &x {b: c}, d: *x,}  # lost\n"
    assert yaml_text.drop(text, ("contexts", "a")) == "# top\n\ncontexts:\n  d:\n    b: c\n"


names = st.sampled_from(["a", "b", "c d", "true", "1", "é", "x-y"])


@given(
    st.dictionaries(names, st.dictionaries(names, scalars, max_size=3), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_edits_change_what_they_should_and_nothing_else(
    contexts: dict[str, Json], flow: bool, data: st.DataObject
) -> None:
    text = "# mine\n" + yaml_text.dump({"first": 1, "contexts": contexts, "last": "x"}, flow=flow)
    name = data.draw(names)
    new: Json = {**data.draw(st.dictionaries(names, scalars, max_size=2))}
    others: dict[str, Json] = {"first": 1, "last": "x"}

    added = yaml_text.put(text, ("contexts", name), new)
    assert value(added) == others | {"contexts": contexts | {name: new}} or not new
    assert added.startswith("# mine\n")

    gone = data.draw(st.sampled_from(sorted(contexts)))
    dropped = value(yaml_text.drop(text, ("contexts", gone)))
    assert isinstance(dropped, dict)
    assert (dropped["contexts"] or {}) == {key: item for key, item in contexts.items() if key != gone}

    renamed = yaml_text.rename(text, ("contexts", gone), "new name")
    expected: dict[str, Json] = {"new name" if key == gone else key: item for key, item in contexts.items()}
    assert value(renamed) == others | {"contexts": expected}


def test_the_pure_python_parser_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert yaml_text.put(FILE, ("current-context",), "forms") == FILE.replace(": prod  #", ": forms  #")
    assert value("a: yes\nb: [1, '2', 010]") == {"a": "yes", "b": [1, "2", "010"]}
    with pytest.raises(LocalFault, match='f:2: the key "a" is here twice'):
        value("a: 1\na: 2")
