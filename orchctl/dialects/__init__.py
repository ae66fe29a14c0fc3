"""Which orchestrators orchctl speaks to: the name in a context, and where its dialect is."""

from __future__ import annotations

DIALECTS = {
    "sherpa": "orchctl.dialects.sherpa:Sherpa",
    "elma": "orchctl.dialects.elma:Elma",
    "uipath": "orchctl.dialects.uipath:Uipath",
}
