"""How UiPath says no: a message with an error code, or ABP's envelope where the caller is not let in."""

from __future__ import annotations

from json import dumps

from orchctl.model import Json
from orchctl.sandbox.engine.base import new_guid
from orchctl.sandbox.http import Response
from orchctl.sandbox.wire import Refusal, json_response

GENERIC = 0
BAD_REQUEST = 1000
NAME_TAKEN = 1001
NOT_FOUND = 1002
BAD_ARGUMENT = 1009
NO_SUCH_FOLDER = 1100
FOLDER_NEEDED = 1101
PASSWORD_NEEDED = 1500
_CODE_OF_STATUS = {400: BAD_REQUEST, 404: NOT_FOUND}


class Coded(str):
    """A message with UiPath's number for it."""

    __slots__ = ("code",)
    code: int

    def __new__(cls, message: str, code: int) -> Coded:
        self = super().__new__(cls, message)
        self.code = code
        return self


class Refused(Refusal):
    def __init__(
        self, status: int, message: str, *, code: int = GENERIC, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(status, Coded(message, code), headers=headers)


class _Prepared(str):
    """A message that stands for a whole answer."""

    __slots__ = ("response",)
    response: Response


class TakenBack(Refusal):
    """An answer, 200 even, of a call that is to leave nothing of what it did."""

    def __init__(self, response: Response) -> None:
        message = _Prepared("nothing was done")
        message.response = response
        super().__init__(response.status, message)


def refuse(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    if isinstance(message, _Prepared):
        return message.response
    code = message.code if isinstance(message, Coded) else _CODE_OF_STATUS.get(status, GENERIC)
    body: Json
    if status in (401, 403):
        body = {
            "message": message,
            "errorCode": code,
            "success": False,
            "error": {"code": code, "message": message, "details": "", "validationErrors": None},
            "unAuthorizedRequest": True,
            "__abp": True,
        }
    else:
        trace = new_guid().replace("-", "")
        body = {"message": message, "errorCode": code, "traceId": f"00-{trace}-{trace[:16]}-00"}
    return json_response(dumps(body, ensure_ascii=False).encode(), status, headers)
