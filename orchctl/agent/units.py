"""What starts an agent with the machine: a systemd unit, or a task of the Windows Task Scheduler.

Neither holds a secret: the credential comes from the keyring of the user it runs as, or from an environment
file that only that user reads.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from xml.sax.saxutils import escape

from orchctl.errors import UsageFault

KINDS = ("systemd", "windows-task")

_SYSTEMD = """\
# {place}
# systemctl --user daemon-reload && systemctl --user enable --now orchctl-{name}.service
# loginctl enable-linger $USER      # to run without anybody logged in
# A machine without a keyring: put ORCHCTL_TOKEN=... in the file below, mode 0600.
[Unit]
Description=orchctl robot agent for {robot}
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={command}
EnvironmentFile=-%h/.config/orchctl/{name}.env
Restart=always
RestartSec=10
# The agent hears SIGTERM, asks its script to end, reports, and ends with 143.
KillMode=mixed
TimeoutStopSec={stop}
SuccessExitStatus=143
PrivateTmp=yes
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<!-- schtasks /Create /TN "orchctl {name}" /XML orchctl-{name}.xml -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>orchctl robot agent for {robot}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
    </LogonTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions>
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""


def unit(kind: str, *, robot: str, grace: float, arguments: Sequence[str]) -> str:
    """The text of a unit that runs ``orchctl`` with ``arguments``.

    :raises UsageFault: there is no such kind, or the robot's name cannot stand in a unit.
    """
    if kind not in KINDS:
        raise UsageFault(f"{kind!r} is no kind of unit", hint=f"one of: {', '.join(KINDS)}")
    if any(ord(character) < 32 for part in (robot, *arguments) for character in part):
        raise UsageFault("a unit cannot hold a line break or another control character")
    name = "".join(character if character.isalnum() and character.isascii() else "-" for character in robot)
    if kind == "windows-task":
        import subprocess

        return _TASK.format(
            name=name,
            robot=escape(robot),
            program=escape(sys.executable),
            arguments=escape(subprocess.list2cmdline(["-m", "orchctl", *arguments])),
        )
    # In a unit a percent sign and a dollar sign have meanings of their own.
    command = shlex.join([sys.executable, "-m", "orchctl", *arguments]).replace("%", "%%").replace("$", "$$")
    return _SYSTEMD.format(
        place=f"~/.config/systemd/user/orchctl-{name}.service",
        name=name,
        robot=robot.replace("%", "%%"),
        command=command,
        stop=int(grace) + 60,
    )
