"""Assets: values kept for robots. A secret leaves here only when it is asked to be revealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchctl.client.core import Core
from orchctl.client.masking import hide, masked
from orchctl.dialects.base import Feature
from orchctl.model.words import SECRET_ASSETS
from orchctl.sanitize import MASK

if TYPE_CHECKING:
    from orchctl.model import Asset, AssetChange, NewAsset

_ASSET = "asset"
_KEPT = ("type", "value", "username", "description", "scope", "expires_at")


class Assets(Core):
    def create_asset(self, new: NewAsset) -> Asset:
        self.require(Feature.CREATE_ASSET)
        hide(new.secret)
        new = replace(new, scope=self._scope(new.scope))
        created = self.dialect.create_asset(new)
        self.registry.remember(_ASSET, {created.id: created.name})
        if created.native is not None:
            return _hidden(created)
        asset = self._after("asset", lambda: self.dialect.get_asset(created.id), created)
        self._note_not_kept(new, asset, "type", "username", "expires_at")
        return _hidden(asset)

    def list_assets(self) -> Iterator[Asset]:
        self.require(Feature.LIST_ASSETS)
        return map(_hidden, self._listed(self.dialect.list_assets, _ASSET, self.dialect.get_asset))

    def get_asset(self, ident: str, *, reveal: bool = False) -> Asset:
        self.require(Feature.GET_ASSET)
        asset = self._find(_ASSET, ident, self.dialect.get_asset)
        if reveal and asset.value is None and asset.type in SECRET_ASSETS:
            self._note(f"{self.dialect.title} keeps the secret of {asset.name!r} to itself")
        return asset if reveal else _hidden(asset)

    def update_asset(self, ident: str, change: AssetChange) -> Asset:
        """Change what was asked for, and tell if the orchestrator changed more than that."""
        self.require(Feature.UPDATE_ASSET)
        hide(change.secret)
        change = replace(change, scope=self._scope(change.scope))
        before = self._find(_ASSET, ident, self.dialect.get_asset)
        hide(before.value if before.type in SECRET_ASSETS else None)
        self.dialect.update_asset(before, change)
        after = self._after("asset", lambda: self.dialect.get_asset(before.id), replace(before, native=None))
        self._note_not_kept(change, after, "name", "type", "username", "description", "expires_at")
        secret = change.secret is not None
        for name in _KEPT:
            asked = getattr(change, name) is not None or (name == "value" and (secret or change.username))
            if not asked and getattr(after, name) != getattr(before, name):
                self._note(f"the orchestrator changed the asset's {name} too, which nobody asked for")
        return _hidden(after)

    def delete_asset(self, ident: str) -> None:
        self.require(Feature.DELETE_ASSET)
        target = self._find(_ASSET, ident, self.dialect.get_asset).id
        self.dialect.delete_asset(target)
        self.registry.forget(_ASSET, target)

    def _scope(self, scope: str | None) -> str | None:
        """``robot:NAME`` with the id that the name stands for."""
        kind, _, ident = (scope or "").partition(":")
        if kind == "robot" and Feature.GET_ROBOT in self.dialect.features:
            return f"robot:{self._target('robot', ident, self.dialect.get_robot)}"
        if kind == "group" and Feature.GET_ROBOT_GROUP in self.dialect.features:
            return f"group:{self._target('robot group', ident, self.dialect.get_robot_group)}"
        return scope


def _hidden(asset: Asset) -> Asset:
    if asset.type not in SECRET_ASSETS:
        return replace(asset, native=masked(asset.native))
    native = masked(asset.native, asset.value)
    return replace(asset, value=MASK if asset.value is not None else None, native=native)
