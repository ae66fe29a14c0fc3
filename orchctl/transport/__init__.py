"""The way to a server and back: deadlines, retries, the class of every failure. Sole owner of requests and urllib3.

Importing it imports no network code: that waits for the first request over a network.
"""

from orchctl.transport.call import (
    ABSENT,
    Call,
    Effect,
    Multipart,
    Plan,
    PlannedRequest,
    Upload,
    quote,
)
from orchctl.transport.core import Transport
from orchctl.transport.download import Download
from orchctl.transport.reply import Headers, Reply

__all__ = [
    "ABSENT",
    "Call",
    "Download",
    "Effect",
    "Headers",
    "Multipart",
    "Plan",
    "PlannedRequest",
    "Reply",
    "Transport",
    "Upload",
    "quote",
]
