"""A secret typed at a terminal. Pseudo terminals are POSIX."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

from tests.conftest import Home
from tests.dialects.conftest import TOKEN, routes
from tests.faults import FaultServer

ID = "55056968-cb1b-4919-ad7b-9370c6e81e55"
SECRET = "S3cr3t!"


def test_the_password_of_a_credential_is_asked_for_and_not_shown(server: FaultServer, home: Home) -> None:
    server.plan(
        routes(
            {
                "POST /api/asset/create": {"guid": ID},
                f"GET /api/asset/read/{ID}": {"guid": ID, "name": "Bank", "type": "1", "password": SECRET},
            }
        )
    )
    ours, theirs = pty.openpty()
    env = {
        **os.environ,
        **home.env,
        "ORCHCTL_URL": server.url,
        "ORCHCTL_DIALECT": "sherpa",
        "ORCHCTL_TOKEN": TOKEN,
    }
    words = ["asset", "create", "Bank", "--type", "credential", "-o", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "orchctl", *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    prompt = process.stderr.read(len("The secret of Bank: "))
    os.write(ours, f"{SECRET}\n".encode())
    out, err = process.communicate(timeout=20)
    os.close(theirs)
    os.close(ours)
    assert (prompt, process.returncode) == (b"The secret of Bank: ", 0), err
    assert json.loads(server.requests[0].body)["Password"] == SECRET
    assert SECRET.encode() not in out + err
