"""The course of the demo, from the first step to the last process stopped.

All it keeps lies in a folder of its own below the home, so nobody's real state is touched. What it starts, it stops:
after Ctrl-C, after a signal that ends it, and when a step fails.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from housecall.cli.answers import show, view_for
from housecall.cli.demo import patient as postgresql_patients
from housecall.cli.demo.client import chat_messages
from housecall.cli.demo.farewell import Address, print_what_next
from housecall.cli.demo.steps import Steps
from housecall.cli.loading import ending_signals
from housecall.errors import HousecallError, SetupError
from housecall.settings import Settings
from housecall.store.locks import FileLock
from housecall.wording import Language

if TYPE_CHECKING:
    from rich.console import Console

    from housecall.app import App
    from housecall.cli.demo.mysql_patient import MySQLPatient
    from housecall.cli.demo.patient import Patient

    AnyPatient = Patient | MySQLPatient

INSTANCE = "shop"
QUESTIONS: dict[Language, str] = {"en": "Why is the shop slow?", "zh-CN": "shop 为什么这么慢？"}


class Demo:
    """One run of the demo. `answered` says afterwards whether the answer came."""

    def __init__(
        self,
        settings: Settings,
        console: "Console",
        *,
        once: bool,
        keep: bool,
        language: Language,
        engine: str = "postgresql",
    ) -> None:
        self._parent = settings.home
        self._patients = patients_of(engine)
        self.home = settings.home / "demo"
        self.answered = False
        self._settings = dataclasses.replace(settings, home=self.home, database_url=None)
        self._console = console
        self._once = once
        self._keep = keep
        self._language: Language = language if language in QUESTIONS else "en"
        self._steps = Steps(console)
        self._started = time.monotonic()
        self._loading = threading.Thread(target=_load_ahead, daemon=True)

    def run(self) -> None:
        """Raises KeyboardInterrupt when a signal ends it before the answer."""
        self._console.print("[bold]Housecall[/bold] visits a shop whose database is ill.\n")
        with self._only_demo(), contextlib.ExitStack() as cleanup:
            self._loading.start()
            if not self._keep:
                cleanup.callback(self._patients.forget, self.home)
            patient = self._start_patient(cleanup)
            cleanup.callback(
                _ignore_signals
            )  # the last one in is the first one out: nothing interrupts the cleaning up
            asyncio.run(self._until_cancelled(patient))

    @contextlib.contextmanager
    def _only_demo(self) -> Iterator[None]:
        """Hold the demo's lock. Raises SetupError when another demo runs on the same home."""
        from housecall.app import make_home

        try:
            make_home(self._parent)
            make_home(self.home)
            with FileLock(self.home / "demo.lock") as lock:
                if not lock.try_lock(exclusive=True):
                    raise SetupError(
                        f"A demo runs already on {self.home}; end it with Ctrl-C,"
                        " or choose another folder with HOUSECALL_HOME"
                    )
                yield
        except OSError as error:
            raise SetupError(
                f"The demo cannot use {error.filename or self.home}: {error.strerror};"
                " choose another folder with HOUSECALL_HOME"
            ) from error

    def _start_patient(self, cleanup: contextlib.ExitStack) -> "AnyPatient":
        patients = self._patients
        patients.check()
        room = f"See that {self.home} has a gigabyte of room, or choose another folder with HOUSECALL_HOME"
        if not patients.template_dir(self.home).exists():
            with self._steps.step("Building the shop's database (the first time only)", room):
                patients.build_template(self.home)
        with self._steps.step(f"Starting the patient, a private {patients.name}", room):
            patient = patients.start_patient(self.home)
            cleanup.callback(patient.stop)
        with self._steps.step("Starting the shop's traffic", "Start the demo again"):
            patient.start_workload()
        return patient  # type: ignore[no-any-return]

    async def _until_cancelled(self, patient: "AnyPatient") -> None:
        """Go through the rest of the course; a signal cancels it wherever it is."""
        loop, course = asyncio.get_running_loop(), asyncio.create_task(self._course(patient))
        for each in ending_signals():
            loop.add_signal_handler(each, course.cancel)
        try:
            await course
        except asyncio.CancelledError:
            self._console.print("\nStopping ...")
            if not self.answered:
                raise KeyboardInterrupt from None

    async def _course(self, patient: "AnyPatient") -> None:
        async with contextlib.AsyncExitStack() as stack:
            with self._steps.step("Opening Housecall and its state store", "See: housecall doctor"):
                await asyncio.to_thread(self._loading.join)
                from housecall.app import open_app

                app = await stack.enter_async_context(open_app(self._settings))
            with self._steps.step("Waiting until the shop suffers", "Start the demo again"):
                await patient.wait_until_it_suffers()
            for fault in self._patients.FAULTS:
                self._steps.say(fault)
            with self._steps.step(
                f"Registering the patient as instance '{INSTANCE}', and making a key", "Start the demo again"
            ):
                address = await _introduce(app, patient)
            with self._steps.step("Starting the server", "Choose another port with HOUSECALL_PORT"):
                address.url = await stack.enter_async_context(
                    _serving(app, postgresql_patients.free_port(self._settings.port))
                )
            await self._ask(address)
            if not self._once:
                print_what_next(self._console, address, self._settings, self._language, patient)
                await asyncio.Event().wait()

    async def _ask(self, address: Address) -> None:
        """Ask as any client does, through the server's own API."""
        question = QUESTIONS[self._language]
        self._console.print(f"\n[bold]> {question}[/bold]\n")
        inputs = {"InstanceId": INSTANCE, "Language": self._language}
        parameters = {"Query": question, "EventMode": "separate", "Inputs": json.dumps(inputs)}
        first_word: float | None = None
        status, failure = "", ""
        with view_for(self._console) as view:
            async with contextlib.aclosing(chat_messages(address.url, address.key, parameters)) as happenings:
                async for happening in happenings:
                    show(view, happening)
                    if happening.name == "message" and first_word is None:
                        first_word = time.monotonic() - self._started
                    failure = happening.answer if happening.name == "error" else failure
                    status = str(happening.fields.get("status")) if happening.name == "workflow_finished" else status
        if status != "succeeded" or first_word is None:
            raise HousecallError(
                failure
                or f"The answer did not come to its end ({status or 'the stream broke off'}); start the demo again"
            )
        self.answered = True
        self._console.print(f"[dim]The first word came {first_word:.1f} s after the start.[/dim]")


def patients_of(engine: str) -> Any:
    """What builds and starts the patients of an engine: a module or an object with the same functions."""
    if engine == "postgresql":
        return postgresql_patients
    from housecall.cli.demo.mysql_patient import MySQLPatients
    from housecall.mysql_server import MARIADB, MYSQL

    return MySQLPatients(MARIADB if engine == "mariadb" else MYSQL)


async def _introduce(app: "App", patient: "AnyPatient") -> Address:
    """Register the patient and make fresh credentials; those of earlier demos stop working."""
    description = "The demo's patient"
    await app.instances.add(app.root.account_id, INSTANCE, patient.dsn, description=description, replace=True)
    for old in await app.keys.list():  # the demo's own home: only keys of earlier demos are there
        await app.keys.delete(old.access_key_id)
    return Address(await app.keys.create(), (await app.keys.create_bearer()).token)


@contextlib.asynccontextmanager
async def _serving(app: "App", port: int) -> AsyncIterator[str]:
    """The running server's URL. Raises what the server raises when it cannot start."""
    from housecall.api.server import serve

    listening, urls = asyncio.Event(), []

    def ready(url: str) -> None:
        urls.append(url)
        listening.set()

    serving = asyncio.create_task(serve(app, "127.0.0.1", port, ready))
    serving.add_done_callback(lambda _: listening.set())
    try:
        await listening.wait()
        if not urls:
            await serving
            raise SetupError("The demo's server ended before it was ready; start the demo again")
        yield urls[0]
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def _load_ahead() -> None:
    """Import what will be needed while the patient is still being copied: more than a second of the first answer."""
    from housecall.agent.agent import build_agent  # noqa: F401 - the import is the point, here and below
    from housecall.api.server import serve  # noqa: F401
    from housecall.diagnosis.cause import all_causes
    from housecall.diagnosis.check import all_checks

    all_checks()
    all_causes()


def _ignore_signals() -> None:
    for each in ending_signals():
        signal.signal(each, signal.SIG_IGN)
