"""Runs a fault program: its sessions hold, wait and loop until the run ends."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from benchmarks.faults.names import Values, render, repetition
from benchmarks.faults.patient import SERVICE, Patient, Session
from benchmarks.faults.scenario import Step

POLL_SECONDS = 0.15
"""InnoDB shows its transactions from a copy that stays the same while it is asked for more often than every 0.1 s."""


class NotReached(Exception):
    """A state that a step waits for never came."""


class Program:
    """`values` grows while the program runs: `{pid:<session>}` for each session that it opens."""

    def __init__(self, patient: Patient, values: Values, chance: random.Random, engine: str) -> None:
        self.patient, self.values, self._chance, self.engine = patient, values, chance, engine
        self.standby: Patient | None = None
        self._sessions: dict[str, Session] = {}
        self._idle: list[Session] = []
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()

    @property
    def pids(self) -> set[int]:
        """The sessions that the program opened by name."""
        return {session.pid for session in self._sessions.values()}

    def run(self, steps: tuple[Step, ...]) -> None:
        """Raises NotReached, or the engine's failure of a statement that had to work."""
        for step in steps:
            if step.is_for(self.engine):
                getattr(self, f"_{step.action}")(step)

    def wait_until(self, question: str, seconds: float, patient: Patient | None = None) -> None:
        asked = patient or self.patient
        deadline = time.monotonic() + seconds
        while not asked.value(self._fill(question)):
            if time.monotonic() > deadline:
                raise NotReached(question)
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """No session of the program lives on."""
        self._ended.set()
        self.patient.end_sessions()
        for thread in self._threads:
            thread.join(10.0)
        for session in [*self._sessions.values(), *self._idle]:
            with suppress(*_all(self.patient.failures)):
                session.close()

    def _tolerated(self, step: Step) -> tuple[type[Exception], ...]:
        return _all(self.patient.failures) if step.tolerant else ()

    def _fill(self, text: str) -> str:
        return render(text, self.values)

    def _sql(self, step: Step) -> None:
        statements = [self._fill(each) for each in step.sql]
        try:
            if step.session:
                session = self._session(step, 1)
                for statement in statements:
                    session.execute(statement)
            else:
                self.patient.execute(*statements)
        except self.patient.failures:
            if not step.may_fail:
                raise

    def _start(self, step: Step) -> None:
        for number in range(1, step.sessions + 1):
            session = self._session(step, number)
            self._thread(lambda session=session: [session.execute(self._fill(each)) for each in step.start])  # type: ignore[misc]

    def _repeat(self, step: Step) -> None:
        session = self._session(step, 1) if step.session else self._connect(step)
        text = self._fill(step.repeat)
        for number in range(1, step.times + 1):
            try:
                session.execute(repetition(text, number, self._chance))
            except self.patient.failures:
                if not step.may_fail:
                    raise
        if not step.session:
            session.close()

    def _loop(self, step: Step) -> None:
        text = self._fill(step.loop)
        for number in range(1, step.sessions + 1):
            session = self._session(step, number)
            self._thread(lambda session=session, number=number: self._again(session, text, step, number))  # type: ignore[misc]

    def _again(self, session: Session, text: str, step: Step, number: int) -> None:
        chance, turn = random.Random(number), 0
        while not self._ended.is_set():
            turn += 1
            try:
                for statement in repetition(text, turn, chance).split(";;"):
                    session.execute(statement)
            except self.patient.failures:
                if not step.tolerant:
                    raise
                session.execute("ROLLBACK")
            self._ended.wait(step.pause_seconds)

    def _reconnect(self, step: Step) -> None:
        text = self._fill(step.reconnect)

        def work(number: int) -> None:
            chance, turn = random.Random(number), 0
            while not self._ended.is_set():
                turn += 1
                with suppress(*self._tolerated(step)):
                    session = self._connect(step)
                    session.execute(repetition(text, turn, chance))
                    session.close()
                self._ended.wait(step.pause_seconds)

        for number in range(step.sessions):
            self._thread(lambda number=number: work(number))  # type: ignore[misc]

    def _open(self, step: Step) -> None:
        for _ in range(step.open):
            try:
                session = self._connect(step)
                session.execute("SELECT 1")
            except self.patient.failures:
                if step.may_fail:
                    return
                raise
            self._idle.append(session)

    def _until(self, step: Step) -> None:
        self.wait_until(step.until, step.patience_seconds)

    def _close(self, step: Step) -> None:
        self._sessions.pop(step.close).close()

    def _restart(self, step: Step) -> None:
        self.patient.restart(step.restart)

    def _standby(self, step: Step) -> None:
        settings = {name: self._fill(value) for name, value in step.standby.items()}
        self.standby = self.patient.standby(settings)

    def _on_standby(self, step: Step) -> None:
        assert self.standby is not None
        self.standby.execute(*(self._fill(each) for each in step.on_standby))

    def _until_standby(self, step: Step) -> None:
        self.wait_until(step.until_standby, step.patience_seconds, self.standby)

    def _stop_standby(self, step: Step) -> None:
        assert self.standby is not None
        self.standby.stop()
        self.standby = None

    def _session(self, step: Step, number: int) -> Session:
        name = step.session if number == 1 else f"{step.session}_{number}"
        name = name or f"anonymous_{len(self._sessions)}"
        if name not in self._sessions:
            self._sessions[name] = self._connect(step)
            self.values[f"pid:{name}"] = str(self._sessions[name].pid)
        return self._sessions[name]

    def _connect(self, step: Step) -> Session:
        return self.patient.connect(step.role or SERVICE, step.application)

    def _thread(self, work: Callable[[], object]) -> None:
        def quietly() -> None:
            with suppress(*_all(self.patient.failures)):
                work()

        thread = threading.Thread(target=quietly, daemon=True)
        thread.start()
        self._threads.append(thread)


def _all(failures: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    return failures if isinstance(failures, tuple) else (failures,)
