"""Each feature of each dialect works against the embedded orchestrator, or is refused before a byte is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from orchctl.dialects import DIALECTS
from orchctl.dialects.base import Dialect, Feature
from tests.contract import effects
from tests.contract.asks import ASKS, MADE_GOOD
from tests.contract.elma import Elma
from tests.contract.orchestrators import Orchestrator, Sherpa
from tests.contract.uipath import Uipath
from tests.faults import FaultServer

ORCHESTRATORS: Mapping[str, type[Orchestrator]] = {
    "sherpa": Sherpa,
    "elma": Elma,
    "uipath": Uipath,
}


def dialect_of(name: str) -> type[Dialect]:
    module, _, attribute = DIALECTS[name].partition(":")
    found: type[Dialect] = getattr(import_module(module), attribute)
    return found


def cases(which: str) -> list[Any]:
    return [
        pytest.param(name, feature, id=f"{name} {feature}")
        for name in ORCHESTRATORS
        for feature in Feature
        if feature in getattr(dialect_of(name), which)
    ]


def test_each_feature_has_its_effect_and_its_command() -> None:
    assert set(ASKS) | set(MADE_GOOD) == set(Feature)
    declared = {feature for name in ORCHESTRATORS for feature in dialect_of(name).features}
    seen = {feature for feature in declared if hasattr(effects, feature)}
    seen |= {feature for feature in declared for kind in ORCHESTRATORS.values() if hasattr(kind, feature)}
    assert seen == declared


@pytest.fixture
def at(orchctl: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Orchestrator]:
    name = request.node.callspec.params["name"]
    env = {"ORCHCTL_URL": f"sandbox:{tmp_path / 'sandbox.db'}", "ORCHCTL_DIALECT": name}
    orchestrator = ORCHESTRATORS[name](orchctl, env, tmp_path)
    yield orchestrator
    orchestrator.close()


@pytest.mark.parametrize(("name", "feature"), cases("features"))
def test_a_feature_works(at: Orchestrator, name: str, feature: Feature) -> None:
    own = getattr(at, feature, None)
    if own is not None:
        own()
    else:
        getattr(effects, feature)(at)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.mark.parametrize(("name", "feature"), cases("gaps"))
def test_a_gap_is_told_before_anything_is_sent(
    orchctl: Any, server: FaultServer, name: str, feature: Feature
) -> None:
    dialect = dialect_of(name)
    taken_at_once = feature is Feature.CLAIM_TASK and Feature.TAKE_TASK in dialect.features
    if feature in MADE_GOOD or taken_at_once or feature in ORCHESTRATORS[name].from_ledger:
        return
    env = {
        "ORCHCTL_URL": server.url,
        "ORCHCTL_DIALECT": name,
        "ORCHCTL_TOKEN": "00000000-0000-4000-8000-000000000001",
    }
    result = orchctl(*ASKS[feature], env=env, input="secret\n")
    assert (result.code, result.out, server.requests) == (14, "", [])
    told, hint = result.err.splitlines()
    gap = dialect.gaps[feature]
    assert told.startswith(f"orchctl: {dialect.title} ")
    assert (told, hint) == (f"orchctl: {dialect.title} {gap.reason}", f"hint: {gap.instead}")
