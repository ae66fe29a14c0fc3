"""The algorithm of seed 001: heartbeat, consume, mark in progress, run, obey, report, and from the top.

A job is never run twice and never forgotten: each step is written down before it is taken (``state``), and an
agent that comes after a dead one goes on from there.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TypeVar

from orchctl.agent.events import AgentEvent, Mode
from orchctl.agent.machine import Machine
from orchctl.agent.pulse import Pulse
from orchctl.agent.runner import Order, Runner, adopt_orphans, kill_all, reap_orphans
from orchctl.agent.script import Refused as BadScript
from orchctl.agent.script import find_script
from orchctl.agent.spool import Line, Spool, level_of
from orchctl.agent.state import Held, Memory, Phase
from orchctl.client import Client
from orchctl.errors import (
    BadRequest,
    NetworkFault,
    NotFound,
    OrchctlError,
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unintelligible,
)
from orchctl.model import (
    ConsumedJob,
    Heartbeat,
    HeartbeatReply,
    JobStatus,
    LogFilter,
    LogLevel,
    NewLogEntry,
    RobotStatus,
)
from orchctl.sanitize import scrub

T = TypeVar("T")

# Seed 001.
_ABORT, _STOP, _NO_ROBOT, _NO_JOB = 10, 20, 101, 102

_LOOK = 0.1
_LONGEST_PAUSE = 30.0
_PIPES_CLOSE_WITHIN = 5.0
_LINES_ARRIVE_WITHIN = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times are in seconds. ``env`` is what the script finds in its environment beside its job."""

    robot: str
    name: str
    scripts: Path
    python: str
    mode: Mode
    heartbeat: float
    grace: float
    env: Mapping[str, str]


class Agent:
    """``ending`` is set from outside to have it end after the script it runs was asked to end itself."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        memory: Memory,
        *,
        show: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._memory = memory
        self._show = show
        self._clock = clock
        self._machine = Machine.here()
        self._told: list[str] = []
        self.ending = Event()

    def run(self) -> Iterator[AgentEvent]:
        """Work; what happens comes out as it happens.

        :raises NotFound: the orchestrator does not know the robot.
        """
        adopt_orphans()
        self._spool = Spool(
            self._memory.folder, send=self._send, trailing=self._trailing, say=self._told.append
        )
        try:
            yield self._event("ready", message=f"{self._settings.name} on {self._machine.name}")
            yield from self._recover()
            yield from self._work()
            yield from self._drain_lines()
        finally:
            self._show("")
            self._spool.close()

    def _work(self) -> Iterator[AgentEvent]:
        mode = self._settings.mode
        while not self.ending.is_set():
            answer = yield from self._persist("heartbeat", self._beat_ready)
            if answer is None:
                return
            if answer.code == _NO_ROBOT:
                raise NotFound(f"the orchestrator does not know the robot {self._settings.robot!r}")
            held = None
            if answer.has_new_job:
                held = yield from self._consume()
            if held is not None:
                yield from self._perform(held)
                if mode is Mode.ONCE:
                    return
            elif mode is not Mode.LOOP and not answer.has_new_job:
                return
            else:
                self._show("waiting for work")
                self.ending.wait(self._settings.heartbeat)

    def _recover(self) -> Iterator[AgentEvent]:
        """Go on with the job that an agent before this one died over."""
        held = self._memory.load()
        if held is None:
            return
        if held.phase is Phase.STARTED:
            never_began = self._memory.never_began(held)
            kill_all(held.run_id, held.pid)
            if not never_began:
                held = self._end(held, JobStatus.FAILED, "the agent died while the script ran")
        if held.phase is Phase.ENDED:
            yield self._event("found", held, "a job whose end was not reported")
            yield from self._report(held)
        else:
            yield self._event("found", held, "a job that was not begun")
            yield from self._perform(self._memory.save(self._fresh(held)))

    def _consume(self) -> Generator[AgentEvent, None, Held | None]:
        answer: ConsumedJob | None = yield from self._persist("consume", self._consume_job)
        if answer is None or answer.code == _NO_JOB:
            return None
        if answer.code == _NO_ROBOT:
            raise NotFound(f"the orchestrator does not know the robot {self._settings.robot!r}")
        job, version, task = answer.job, answer.process_version, answer.task
        if job is None:
            raise Unintelligible(f"the orchestrator gave code {answer.code} and no job")
        return self._memory.save(
            Held(
                job_id=job.id,
                phase=Phase.CONSUMED,
                run_id=secrets.token_hex(8),
                script=version.name if version else None,
                process_version=version.id if version else None,
                task_id=task.id if task else None,
                queue=task.queue if task else None,
                parameters=json.dumps(task.payload if task else None, ensure_ascii=False),
            )
        )

    def _perform(self, held: Held) -> Iterator[AgentEvent]:
        why_not = yield from self._persist("job", lambda: self._set_status(held, JobStatus.IN_PROGRESS))
        if why_not is None:  # the agent is to end, and nothing was started: the next one finds the job
            return
        if why_not:
            yield from self._decline(held, why_not)
            return
        try:
            script = find_script(self._settings.scripts, held.script)
        except BadScript as refusal:
            yield from self._report(self._end(held, JobStatus.FAILED, str(refusal)))
            return
        held = self._memory.save(replace(held, phase=Phase.STARTED))
        order = self._order(held, script)
        task = f", task {held.task_id}" if held.task_id else ""
        yield self._event("started", held, f"job {held.job_id}{task}")
        begun = self._clock()
        try:
            runner = Runner(order, lambda text, is_error: self._take(held, text, is_error))
        except OSError as error:
            yield from self._report(self._end(held, JobStatus.FAILED, f"cannot run it: {error.strerror}"))
            return
        self._memory.save(replace(held, pid=runner.pid))
        try:
            outcome, reason = yield from self._watch(held, runner)
        except BaseException:
            # A second Ctrl-C: nothing of it goes on, and whoever comes next reports it.
            runner.kill()
            self._end(held, JobStatus.ABORTED, "the agent was ended while the script ran")
            raise
        runner.drain(_PIPES_CLOSE_WITHIN)
        yield from self._report(self._end(held, outcome, reason), took=self._clock() - begun)

    def _watch(self, held: Held, runner: Runner) -> Generator[AgentEvent, None, tuple[JobStatus, str | None]]:
        """Run the script to its end, obeying what the heartbeats say."""
        begun = self._clock()
        kill_at: float | None = None
        stopped = lost = False
        pulse = Pulse(lambda: self._beat_working(held), self._settings.heartbeat)
        try:
            while (code := runner.poll()) is None:
                for news in pulse.news():
                    if isinstance(news, OrchctlError):
                        if not lost:
                            yield self._event("lost", held, news.message)
                        lost = True
                        continue
                    if lost:
                        yield self._event("found", held, "the orchestrator answers again")
                        lost = False
                    if news.code == _ABORT:
                        yield self._event("abort", held, "the orchestrator has it killed")
                        runner.kill()
                        return JobStatus.ABORTED, None
                    if news.code == _STOP and not stopped:
                        yield self._event("stop", held, "the orchestrator asks it to end")
                        kill_at = self._ask_to_end(held, runner)
                        stopped = True
                if self.ending.is_set() and not stopped:
                    yield self._event("stop", held, "the agent is to end; once more ends it at once")
                    kill_at = self._ask_to_end(held, runner)
                    stopped = True
                if kill_at is not None and self._clock() >= kill_at:
                    yield self._event("kill", held, f"it did not end within {self._settings.grace:g} s")
                    runner.kill()
                    return JobStatus.STOPPED, "killed after its grace period"
                yield from self._messages(held)
                self._show(f"{held.script} (job {held.job_id}) for {self._clock() - begun:.0f} s")
                reap_orphans(runner.pid)
                runner.wait(_LOOK)
        finally:
            pulse.stop()
            self._show("")
        if stopped:
            return JobStatus.STOPPED, None
        if code == 0:
            return JobStatus.SUCCESS, None
        return JobStatus.FAILED, f"exit code {code}" if code > 0 else f"killed by signal {-code}"

    def _report(self, held: Held, *, took: float | None = None) -> Iterator[AgentEvent]:
        """Say how a job ended until the orchestrator has heard it."""
        if held.reason is not None:
            self._take(held, held.reason, True, level=LogLevel.ERROR)
        outcome = JobStatus(held.outcome or JobStatus.FAILED)
        heard = yield from self._persist("report", lambda: self._set_status(held, outcome), at_the_end=True)
        if heard is None:
            yield self._event("unreported", held, "it is kept: the next agent of this robot reports it")
            return
        if heard:
            yield self._event("refused", held, f"{outcome} was not taken: {heard}")
        self._memory.clear()
        lasted = None if took is None else f"after {took:.1f} s"
        yield self._event(outcome.value, held, ", ".join(filter(None, (lasted, held.reason))) or None)

    def _decline(self, held: Held, why: str) -> Iterator[AgentEvent]:
        """The orchestrator does not let the job begin: it was stopped or aborted while it lay here."""
        yield self._event("refused", held, f"it is not to begin: {why}")
        answer = yield from self._persist("heartbeat", lambda: self._beat_working(held))
        outcome = {_ABORT: JobStatus.ABORTED, _STOP: JobStatus.STOPPED}.get(answer.code if answer else 0)
        if outcome is None:
            self._memory.clear()
        else:
            yield from self._report(self._end(held, outcome, None))

    def _drain_lines(self) -> Iterator[AgentEvent]:
        if self._spool.waiting:
            self._show("sending log lines")
        ends = self._clock() + _LINES_ARRIVE_WITHIN
        while self._spool.waiting and self._clock() < ends and not self.ending.is_set():
            self._spool.drain(_LOOK)
            yield from self._messages(None)
        if self._spool.waiting:
            yield self._event("unsent", message="log lines are left on disk: the next agent sends them")

    def _persist(
        self, what: str, attempt: Callable[[], T], *, at_the_end: bool = False
    ) -> Generator[AgentEvent, None, T | None]:
        """Try until the network and the server let it through; ``None`` where the agent is to end first.

        With ``at_the_end`` the agent's own end only stops it from waiting, not from trying once.
        """
        pause, said = 1.0, False
        while at_the_end or not self.ending.is_set():
            try:
                result = attempt()
            except (NetworkFault, Unavailable, OutcomeUnknown) as error:
                if not said:
                    yield self._event("lost", message=f"{what}: {error.message}")
                said = True
            else:
                if said:
                    yield self._event("found", message="the orchestrator answers again")
                return result
            self._show("the orchestrator does not answer")
            if self.ending.wait(pause):
                return None
            pause = min(pause * 2, _LONGEST_PAUSE)
        return None

    def _set_status(self, held: Held, status: JobStatus) -> str:
        """Nothing, or the orchestrator's final word against it."""
        try:
            self._client.report_job(held.job_id, status)
        except (Refused, NotFound, BadRequest) as error:
            return error.message
        return ""

    def _beat_ready(self) -> HeartbeatReply:
        return self._beat(Heartbeat(robot=self._settings.robot, status=RobotStatus.READY))

    def _beat_working(self, held: Held) -> HeartbeatReply:
        return self._beat(
            Heartbeat(
                robot=self._settings.robot,
                status=RobotStatus.WORKING,
                job_id=held.job_id,
                job_name=held.script or "",
            )
        )

    def _beat(self, beat: Heartbeat) -> HeartbeatReply:
        here = self._machine
        return self._client.send_heartbeat(replace(beat, machine=here.name, ip=here.ip, mac=here.mac))

    def _consume_job(self) -> ConsumedJob:
        """After a lost reply it is asked again: the job is given to the same robot until it is in progress."""
        return self._client.consume_job(self._settings.robot)

    def _ask_to_end(self, held: Held, runner: Runner) -> float:
        """When to kill it if it does not."""
        self._memory.stop_file(held).touch(mode=0o600)
        runner.ask_to_end()
        return self._clock() + self._settings.grace

    def _end(self, held: Held, outcome: JobStatus, reason: str | None) -> Held:
        return self._memory.save(replace(held, phase=Phase.ENDED, outcome=outcome.value, reason=reason))

    def _fresh(self, held: Held) -> Held:
        return replace(held, phase=Phase.CONSUMED, run_id=secrets.token_hex(8), pid=None)

    def _order(self, held: Held, script: Path) -> Order:
        parameters = self._memory.parameters(held)
        descriptor = os.open(parameters, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(held.parameters)
        return Order(
            script=script,
            python=self._settings.python,
            marker=self._memory.marker(held),
            parameters=parameters,
            run_id=held.run_id,
            env={
                **self._settings.env,
                "ORCHCTL_JOB": held.job_id,
                "ORCHCTL_TASK": held.task_id or "",
                "ORCHCTL_QUEUE": held.queue or "",
                "ORCHCTL_STOP_FILE": str(self._memory.stop_file(held)),
                "ORCHCTL_PARAMETERS": str(parameters),
            },
        )

    def _take(self, held: Held, text: str, is_error: bool, *, level: LogLevel | None = None) -> None:
        if text.strip():
            self._spool.add(
                Line(
                    job_id=held.job_id,
                    process_version=held.process_version,
                    level=level or level_of(text, is_error=is_error),
                    message=scrub(text),  # a script has the credential in its environment, and may print it
                )
            )

    def _send(self, line: Line) -> None:
        self._client.write_log_entry(
            NewLogEntry(
                level=line.level,
                message=line.message,
                robot=self._settings.robot,
                process_version=line.process_version,
                job_id=line.job_id,
            )
        )

    def _trailing(self, line: Line) -> int:
        """How often a job's log ends in this very line."""
        count = 0
        for entry in reversed(list(self._client.tail_log(LogFilter(jobs=(line.job_id,)), 50))):
            if entry.message != line.message:
                break
            count += 1
        return count

    def _messages(self, held: Held | None) -> Iterator[AgentEvent]:
        while self._told:
            yield self._event("log", held, self._told.pop(0))

    def _event(self, word: str, held: Held | None = None, message: str | None = None) -> AgentEvent:
        self._show("")
        return AgentEvent(
            time=datetime.now(UTC),
            event=word,
            job_id=held.job_id if held else None,
            script=held.script if held else None,
            message=message,
        )
