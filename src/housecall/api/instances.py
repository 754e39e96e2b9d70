"""RegisterInstance, ModifyInstance, DeregisterInstance and ListInstances: what to watch must be told by somebody.

A password goes in and never comes out: no answer, error or log line holds it. An instance that the caller's policies do
not let him see is not found.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import SecretStr

from housecall.api.operation import Call, Operation
from housecall.api.wire import (
    Flag,
    OptionalText,
    Success,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    json_object,
    whole_number,
)
from housecall.engines.engine import Target
from housecall.engines.instance import Instance
from housecall.errors import RequestError
from housecall.instances.reachable import check_address

DEFAULT_LIMIT = 100
MAX_LABELS = 20
MAX_LABEL_CHARACTERS = 128
MAX_DESCRIPTION_CHARACTERS = 1_000

EngineChoice = Annotated[
    Literal["PostgreSQL", "MySQL", "MariaDB"] | None, choice("PostgreSQL", "MySQL", "MariaDB", ignore_case=True)
]
Port = Annotated[int | None, whole_number(1, 65535)]
Labels = Annotated[Mapping[str, str] | None, json_object]
_SCHEMES = {"PostgreSQL": "postgresql", "MySQL": "mysql", "MariaDB": "mariadb"}
_SSL_MODES = {
    "postgresql": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "mysql": ("disabled", "preferred", "required", "verify-ca", "verify-identity"),
}
_PARTS = ("engine", "host", "port", "user", "password", "database", "ssl_mode")


class _Address(WireRequest):
    """Where the server is: a DSN, or its parts."""

    dsn: OptionalText = None
    """Address with user and password, such as postgresql://reader:…@db.example.com:5432/shop; or the parts below."""
    engine: EngineChoice = None
    """PostgreSQL, MySQL or MariaDB."""
    host: OptionalText = None
    """Name or IP address of the server."""
    port: Port = None
    """Its port; 5432 or 3306 by default."""
    user: OptionalText = None
    """The role to connect as; one that can only read is enough."""
    password: OptionalText = None
    """Its password; kept encrypted and never told again."""
    database: OptionalText = None
    """The database to connect to."""
    ssl_mode: OptionalText = None
    """sslmode of PostgreSQL (such as verify-full) or ssl-mode of MySQL (such as VERIFY_IDENTITY)."""
    region_id: OptionalText = None
    """Region that the instance counts to; local by default."""
    description: OptionalText = None
    """What it is for."""
    labels: Labels = None
    """Object of labels, such as {"team":"shop"}."""
    test: Flag = None
    """false keeps the address without connecting; by default the server must answer."""

    def gives_parts(self) -> bool:
        return any(getattr(self, name) is not None for name in _PARTS)


class RegisterInstanceRequest(_Address):
    """Either DSN, or Engine and Host with the other parts."""

    instance_id: Text
    """Id of your choice: letters, digits, dots, dashes and underscores."""


class ModifyInstanceRequest(_Address):
    """What is left out stays as it is; an empty text counts as left out."""

    instance_id: Text
    """The instance."""


class DeregisterInstanceRequest(WireRequest):
    """The server itself is not touched."""

    instance_id: Text
    """The instance."""


class ListInstancesRequest(WireRequest):
    """`last_id` is the last instance of the page before."""

    last_id: OptionalText = None
    """Last instance of the page before."""
    limit: Annotated[int | None, whole_number(1, 100)] = None
    """Instances on a page, 1 to 100; 100 by default."""
    engine: EngineChoice = None
    """Only those of this engine; MySQL and MariaDB count as one."""
    region_id: OptionalText = None
    """Only those of this region."""


class InstanceItem(WireModel):
    """An instance as it is told: without credentials."""

    instance_id: str
    engine: str
    engine_version: str | None
    host: str
    port: int
    user: str
    database: str
    region_id: str
    description: str
    labels: Mapping[str, str]


class InstanceResponse(WireResponse):
    """The instance as it is kept now."""

    instance: InstanceItem


class ListInstancesResponse(WireResponse):
    """A page, sorted by id. Which instances come after a page does not change when others are registered before it."""

    data: tuple[InstanceItem, ...]
    has_more: bool
    limit: int
    total_count: int


def instance_item(instance: Instance) -> InstanceItem:
    target = instance.target
    return InstanceItem(
        instance_id=instance.id,
        engine="PostgreSQL" if instance.engine == "postgresql" else "MySQL",
        engine_version=instance.version,
        host=target.host,
        port=target.port,
        user=target.user,
        database=target.database,
        region_id=instance.region,
        description=instance.description,
        labels=dict(instance.labels),
    )


async def register_instance(call: Call, request: RegisterInstanceRequest) -> InstanceResponse:
    dsn = request.dsn or _dsn_of_parts(request)
    if request.dsn and request.gives_parts():
        raise _invalid("Dsn: send the address as a Dsn or in parts, not both.")
    await _check(call, call.app.engines.parse_dsn(dsn))
    made = await call.app.instances.add(
        call.caller.account_id,
        request.instance_id,
        dsn,
        region=_region(request.region_id) or "local",
        description=_description(request.description) or "",
        labels=_labels(request.labels),
        probe=request.test is not False,
    )
    return InstanceResponse(instance=instance_item(made))


async def modify_instance(call: Call, request: ModifyInstanceRequest) -> InstanceResponse:
    account_id = call.caller.account_id
    known = await call.app.instances_for(call.caller, call.conditions).get_instance(account_id, request.instance_id)
    target = _changed_target(call, known.target, request)
    if target != known.target:
        await _check(call, target)
    changed = dataclasses.replace(
        known,
        engine=target.engine,
        target=target,
        region=_region(request.region_id) or known.region,
        description=_description(request.description) or known.description,
        labels=_labels(request.labels) if request.labels is not None else known.labels,
    )
    moved = target != known.target
    probe = moved if request.test is None else request.test
    kept = await call.app.instances.change(account_id, changed, probe=probe)
    if _address(target) != _address(known.target):
        # What a person approves for this instance must never be done with a role of the server it was before.
        await call.app.change_targets.set_change_target(account_id, kept, None)
    return InstanceResponse(instance=instance_item(kept))


async def deregister_instance(call: Call, request: DeregisterInstanceRequest) -> Success:
    account_id = call.caller.account_id
    await call.app.instances_for(call.caller, call.conditions).get_instance(account_id, request.instance_id)
    await call.app.instances.remove(account_id, request.instance_id)
    return Success()


async def list_instances(call: Call, request: ListInstancesRequest) -> ListInstancesResponse:
    visible = await call.app.instances_for(call.caller, call.conditions).list_instances(call.caller.account_id)
    engine = None if request.engine is None else "postgresql" if request.engine == "PostgreSQL" else "mysql"
    fitting = [each for each in visible if engine in (None, each.engine) and request.region_id in (None, each.region)]
    # By Python's order of the ids, not by the database's, which depends on its collation.
    ordered = sorted(fitting, key=lambda each: each.id)
    after = [each for each in ordered if request.last_id is None or each.id > request.last_id]
    limit = request.limit or DEFAULT_LIMIT
    return ListInstancesResponse(
        data=tuple(instance_item(each) for each in after[:limit]),
        has_more=len(after) > limit,
        limit=limit,
        total_count=len(ordered),
    )


def _dsn_of_parts(request: _Address) -> str:
    """The parts as a DSN, each quoted, so that no part can reach into another."""
    missing = [name for name in ("Engine", "Host") if getattr(request, name.lower()) is None]
    if missing:
        raise RequestError(
            f'The input parameter "{missing[0]}" that is mandatory for processing this request is not supplied.'
            " An instance is registered with a Dsn, or with Engine and Host.",
            code=f"Missing{missing[0]}",
        )
    assert request.engine is not None
    assert request.host is not None
    user = quote(request.user, safe="") if request.user else ""
    password = f":{quote(request.password, safe='')}" if request.password else ""
    host = f"[{request.host}]" if ":" in request.host else quote(request.host, safe="")
    port = f":{request.port}" if request.port else ""
    option = "sslmode" if request.engine == "PostgreSQL" else "ssl-mode"
    engine = "postgresql" if request.engine == "PostgreSQL" else "mysql"
    options = f"?{option}={_ssl_mode(engine, request.ssl_mode)}" if request.ssl_mode else ""
    login = f"{user}{password}@" if user or password else ""
    database = quote(request.database, safe="") if request.database else ""
    return f"{_SCHEMES[request.engine]}://{login}{host}{port}/{database}{options}"


def _changed_target(call: Call, known: Target, request: ModifyInstanceRequest) -> Target:
    if request.dsn and request.gives_parts():
        raise _invalid("Dsn: send the address as a Dsn or in parts, not both.")
    if request.dsn:
        return call.app.engines.parse_dsn(request.dsn)
    if request.engine is not None and (request.engine == "PostgreSQL") != (known.engine == "postgresql"):
        raise _invalid(
            "Engine: an instance does not change its engine; register the other server under an id of its own."
        )
    changes: dict[str, Any] = {
        name: getattr(request, name)
        for name in ("host", "port", "user", "database")
        if getattr(request, name) is not None
    }
    if request.password is not None:
        changes["password"] = SecretStr(request.password)
    elif known.password is not None and _address(dataclasses.replace(known, **changes)) != _address(known):
        # Or whoever may modify an instance could have its password sent to a server of his own.
        raise _invalid("Password: it is not sent to another address than the one it was given for; send it again.")
    if request.ssl_mode is not None:
        option = "sslmode" if known.engine == "postgresql" else "ssl-mode"
        changes["options"] = {**known.options, option: _ssl_mode(known.engine, request.ssl_mode)}
    return dataclasses.replace(known, **changes)


async def _check(call: Call, target: Target) -> None:
    await check_address(target, allow_link_local=bool(call.app.settings.allow_link_local_instances))


def _address(target: Target) -> tuple[str, int, str | None]:
    return target.host, target.port, target.options.get("hostaddr")


def _ssl_mode(engine: str, text: str) -> str:
    """The engine's own name of a mode, however it is written."""
    mode = text.lower().replace("_", "-")
    allowed = _SSL_MODES[engine]
    if mode not in allowed:
        raise _invalid(f"SslMode: {text[:40]!r} is not allowed; it must be one of {', '.join(allowed)}.")
    return mode if engine == "postgresql" else mode.upper().replace("-", "_")


def _region(region: str | None) -> str | None:
    if region is not None and (len(region) > 64 or not region.replace("-", "").replace("_", "").isalnum()):
        raise _invalid("RegionId: a region has up to 64 letters, digits, dashes and underscores.")
    return region


def _description(text: str | None) -> str | None:
    if text is not None and len(text) > MAX_DESCRIPTION_CHARACTERS:
        raise _invalid(f"Description: up to {MAX_DESCRIPTION_CHARACTERS} characters, not {len(text)}.")
    return text


def _labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    kept = dict(labels or {})
    if len(kept) > MAX_LABELS or any(len(text) > MAX_LABEL_CHARACTERS for pair in kept.items() for text in pair):
        raise _invalid(
            f"Labels: up to {MAX_LABELS} labels, names and values of up to {MAX_LABEL_CHARACTERS} characters."
        )
    return kept


def _invalid(why: str) -> RequestError:
    return RequestError(f"The provided parameter is invalid. {why}")


_FAILURES = ("InstanceUnreachable", "InstanceRefused", "InstanceTooOld", "InstanceTimeout", "InstanceBusy")

OPERATIONS = (
    Operation(
        name="RegisterInstance",
        request=RegisterInstanceRequest,
        response=InstanceResponse,
        summary="Register a database server to watch; it must answer first unless Test is false.",
        handler=register_instance,
        access="create",
        errors=("InstanceAlreadyExists", "PermissionDenied", *_FAILURES),
        example={
            "InstanceId": "orders-db",
            "Engine": "PostgreSQL",
            "Host": "127.0.0.1",
            "User": "reader",
            "Database": "shop",
            "Test": False,
        },
    ),
    Operation(
        name="ModifyInstance",
        request=ModifyInstanceRequest,
        response=InstanceResponse,
        summary="Change an instance; with another address its role for writes is dropped.",
        handler=modify_instance,
        access="update",
        errors=("InstanceNotFound", *_FAILURES),
        example={"InstanceId": "orders-db", "Description": "Orders of the web shop"},
    ),
    Operation(
        name="DeregisterInstance",
        request=DeregisterInstanceRequest,
        response=Success,
        summary="Forget an instance; the server itself is not touched.",
        handler=deregister_instance,
        access="delete",
        errors=("InstanceNotFound",),
        example={"InstanceId": "orders-db"},
    ),
    Operation(
        name="ListInstances",
        request=ListInstancesRequest,
        response=ListInstancesResponse,
        summary="List the instances that you may see, sorted by id.",
        handler=list_instances,
        access="list",
        example={"Limit": 10},
    ),
)
