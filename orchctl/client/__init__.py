"""The vocabulary over any orchestrator: checks what it can do, pages, filters, claims and reads back.

Every loop over requests is here. It must not know a vendor, print or ask.
"""

from orchctl.client.accounts import Accounts
from orchctl.client.assets import Assets
from orchctl.client.downloads import Downloads
from orchctl.client.folders import Folders
from orchctl.client.overview import Overviews
from orchctl.client.processes import Processes
from orchctl.client.registering import Registers
from orchctl.client.robots import RobotGroups
from orchctl.client.storage import Storage
from orchctl.client.triggers import Triggers


class Client(
    Overviews, Assets, RobotGroups, Processes, Triggers, Storage, Accounts, Downloads, Registers, Folders
):
    """All verbs of all nouns over one orchestrator."""


__all__ = ["Client"]
