"""`approval`: changes that the assistant proposes, and a person's decision on them."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.acting import record
from housecall.cli.loading import run_in_loop, settings_for_command
from housecall.cli.options import JsonOption
from housecall.cli.output import console, print_json, print_table
from housecall.errors import RequestError, SetupError

if TYPE_CHECKING:
    from housecall.app import App, State
    from housecall.chat.approvals import Approval, Approvals, Decision

app = typer.Typer(help="Decide on changes that wait for a person.", no_args_is_help=True)
CallArgument = Annotated[str, typer.Argument(metavar="CALL", help="The call's id, as `approval list` shows it.")]
CommentOption = Annotated[str, typer.Option("--comment", "-m", help="What to tell the model.")]


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help="Only calls that are pending, approved, rejected or expired.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List proposed changes, newest first."""
    if status not in (None, "pending", "approved", "rejected", "expired"):
        raise RequestError(f"{status!r} is no status; choose pending, approved, rejected or expired")
    run_in_loop(_list(status, limit, as_json=as_json))


@app.command("show")
def show(call: CallArgument, as_json: JsonOption = False) -> None:
    """Show a proposed change: its SQL, lock, duration, risk and undo, and what became of it."""
    run_in_loop(_show(call, as_json=as_json))


@app.command("approve")
def approve(
    call: CallArgument,
    comment: CommentOption = "",
    arguments: Annotated[
        str | None, typer.Option("--arguments", metavar="JSON", help="Arguments in place of the model's.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with the answer once its whole round is decided.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Approve a change. It is made when the answer goes on, if nothing it touches has changed meanwhile."""
    given = None if arguments is None else _object(arguments)
    run_in_loop(_decide(call, "approve", comment, given, resume=resume, as_json=as_json))


@app.command("reject")
def reject(
    call: CallArgument,
    comment: CommentOption = "",
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with the answer once its whole round is decided.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Reject a change; nothing is run."""
    run_in_loop(_decide(call, "reject", comment, None, resume=resume, as_json=as_json))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise RequestError(f"--arguments is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RequestError('--arguments must be a JSON object such as {"table":"orders"}')
    return value


async def _list(status: Any, limit: int, *, as_json: bool) -> None:
    async with _opened() as (state, approvals):
        page, _ = await approvals.list_approvals(state.root, status=status, limit=limit)
    if as_json:
        print_json({"approvals": [approval_to_json(each) for _, each in page]})
    elif page:
        print_table(
            ("call", "status", "execution", "tool", "instance", "expires", "what"),
            (
                [
                    each.card.call_id, each.status, each.execution, each.card.tool_name, each.card.instance_id,
                    f"{each.expires_at:%Y-%m-%d %H:%M}", each.details.get("title"),
                ]
                for _, each in page
            ),
        )  # fmt: skip
    else:
        typer.echo("Nothing waits for a decision." if status == "pending" else "No change was proposed yet.")


async def _show(call: str, *, as_json: bool) -> None:
    async with _opened() as (state, approvals):
        found = await approvals.get(state.root, call)
    _print(found, as_json=as_json)


async def _decide(
    call: str, decision: "Decision", comment: str, arguments: dict[str, Any] | None, *, resume: bool, as_json: bool
) -> None:
    from housecall.access.names import root_arn
    from housecall.app import answering

    async with AsyncExitStack() as stack:
        state, approvals = await stack.enter_async_context(_opened())
        app: App | None = None
        if resume and decision == "approve" and await approvals.undecided(state.root, call) <= 1:
            app = await stack.enter_async_context(answering(state))  # what cannot go on is not approved either
        submitted = await approvals.submit(
            state.root, call, decision, comment=comment, arguments=arguments, principal=root_arn(state.root.account_id)
        )
        found = submitted.approval
        await record(
            state, state.root.account_id, "SubmitToolApproval", action="rdsai:SubmitToolApproval", call_id=call,
            instance_id=found.card.instance_id, statement_hash=found.statement_hash,
            result=f"{decision}:{found.card.tool_name}",
        )  # fmt: skip
        answer = None
        if resume and not submitted.undecided and found.user_id == state.root.user_id:
            try:
                if app is None:
                    app = await stack.enter_async_context(answering(state))
                answer = await _go_on(app, found)
            except SetupError as error:
                later = f"go on with it later: housecall ask --resume {call}"
                typer.echo(
                    f"The decision stands; the answer was not continued here: {error.message} ({later})", err=True
                )
            found = await approvals.get(state.root, call)
    if as_json:
        print_json(approval_to_json(found) | {"undecided": submitted.undecided, "answer": answer})
        return
    if arguments is not None:
        _print(found, as_json=False)
    waits = f" {submitted.undecided} call(s) of the round still wait." if submitted.undecided else ""
    typer.echo(f"{found.status}: {found.card.tool_name} on {found.card.instance_id}.{waits}", err=True)
    if answer is not None:
        console().print(answer, markup=False)


async def _go_on(opened: "App", found: "Approval") -> str:
    """The rest of the answer that waited."""
    from contextlib import aclosing

    from housecall.chat.runs import NewQuestion

    started = await opened.runs.start(
        NewQuestion(
            found.account_id, found.user_id, "continue", conversation_id=found.conversation_id,
            inputs={"resume_call_id": found.card.call_id},
        )
    )  # fmt: skip
    text = ""
    async with aclosing(opened.runs.subscribe(started.run_id)) as events:
        async for event in events:
            if event.happening.name == "message":
                text += event.happening.answer
            elif event.happening.name == "message_replace":
                text = event.happening.answer
            elif event.happening.name == "error":
                text += f"\n{event.happening.answer}"
            elif event.happening.name == "tool_approval" and event.happening.fields["approval_status"] == "pending":
                text += f"\nWaits for a decision: housecall approval show {event.happening.fields['call_id']}"
    return text.strip()


@asynccontextmanager
async def _opened() -> "AsyncIterator[tuple[State, Approvals]]":
    """The state and its approvals. No model is built: their keys may be at hand only where answers are written."""
    from housecall.app import approvals_of, open_state

    async with open_state(settings_for_command()) as state:
        yield state, approvals_of(state)


def approval_to_json(approval: "Approval") -> dict[str, Any]:
    card = approval.card
    return {
        "call_id": card.call_id,
        "round_id": card.round_id,
        "status": card.status,
        "execution": approval.execution,
        "tool": card.tool_name,
        "instance_id": card.instance_id,
        "arguments": dict(card.arguments),
        "card": dict(approval.details),
        "mode": approval.mode,
        "rule": approval.rule,
        "reason": approval.reason,
        "comment": card.comment,
        "decided_by": approval.decided_by,
        "conversation_id": approval.conversation_id,
        "created_at": approval.created_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
        "result": approval.result,
    }


def _print(found: "Approval", *, as_json: bool) -> None:
    if as_json:
        print_json(approval_to_json(found))
        return
    out = console()
    out.print(f"{found.card.call_id}  {found.status}", markup=False)
    out.print(found.card.description, markup=False)
    if found.decided_by:
        out.print(f"Decided by {found.decided_by}: {found.card.comment or 'no comment'}", markup=False)
    if found.result is not None:
        out.print(f"Result ({found.execution}):", markup=False)
        out.print(json.dumps(found.result, indent=2, ensure_ascii=False), markup=False)
    elif found.execution == "started":
        out.print("It was begun, and how it ended is not recorded yet.", markup=False)
