"""A call in Python with the official SDK."""

from collections.abc import Mapping
from typing import Any

from housecall.api.samples import literals
from housecall.api.samples.call import KEY_ID_VARIABLE, KEY_SECRET_VARIABLE, STREAM_SECONDS, SampleCall
from housecall.api.samples.sdk import WITHOUT_REQUEST, Kind, sdk_kinds, snake

_MODELS = {"inputs": "ChatMessagesRequestInputs", "files": "ChatMessagesRequestFiles"}


def write(call: SampleCall) -> str:
    kinds = sdk_kinds(call.action, call.parameters)
    return _typed(call, kinds) if kinds is not None else _generic(call)


def _head(call: SampleCall, client: str, imports: str) -> str:
    return f"""\
# pip install alibabacloud-rdsai20250507
import json
import os

{imports}from alibabacloud_tea_openapi import utils_models as open_api
from {client} import Client
from darabonba.runtime import RuntimeOptions

client = Client(
    open_api.Config(
        access_key_id=os.environ["{KEY_ID_VARIABLE}"],
        access_key_secret=os.environ["{KEY_SECRET_VARIABLE}"],
        endpoint={literals.python(call.target.host)},
        protocol={literals.python(call.target.scheme.upper())},
    )
)
"""


def _runtime(call: SampleCall) -> str:
    return f"RuntimeOptions(read_timeout={STREAM_SECONDS * 1000})" if call.streams else "RuntimeOptions()"


def _typed(call: SampleCall, kinds: Mapping[str, Kind]) -> str:
    method, runtime = snake(call.action), _runtime(call)
    needs_request = call.action not in WITHOUT_REQUEST
    imports = "from alibabacloud_rdsai20250507 import models\n" if needs_request else ""
    text = _head(call, "alibabacloud_rdsai20250507.client", imports)
    if needs_request:
        arguments = "".join(
            f"    {snake(name)}={_argument(kinds[name], call.parameters[name], call.texts[name])},\n" for name in kinds
        )
        text += f"request = models.{call.action}Request(" + (f"\n{arguments}" if arguments else "") + ")\n"
    given = "request, runtime" if needs_request else "runtime"
    text += f"runtime = {runtime}\n"
    if call.streams:
        return text + (
            f"for event in client.{method}_with_sse({given}):\n"
            "    print(json.dumps(event.body.to_map(), ensure_ascii=False))\n"
        )
    return text + (
        f"response = client.{method}_with_options({given})\n"
        "print(json.dumps(response.body.to_map(), ensure_ascii=False, indent=2))\n"
    )


def _argument(kind: Kind, value: Any, text: str) -> str:
    if kind == "inputs":
        return _model(kind, value)
    if kind == "files":
        return "[" + ", ".join(_model(kind, each) for each in value) + "]"
    if kind == "str":
        return literals.python(text)
    return literals.python(value)


def _model(kind: Kind, value: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{snake(name)}={literals.python(each)}" for name, each in value.items())
    return f"models.{_MODELS[kind]}({inner})"


def _generic(call: SampleCall) -> str:
    query = "".join(f"    {literals.python(name)}: {literals.python(text)},\n" for name, text in call.texts.items())
    text = _head(call, "alibabacloud_tea_openapi.client", "")
    text += f"""\
params = open_api.Params(
    action="{call.action}",
    version="{call.version}",
    protocol={literals.python(call.target.scheme.upper())},
    pathname="/",
    method="POST",
    auth_type="AK",
    style="RPC",
    req_body_type="formData",
    body_type="json",
)
query = {{{chr(10) + query if query else ""}}}
request = open_api.OpenApiRequest(query=query)
runtime = {_runtime(call)}
"""
    if call.streams:
        return text + "for answer in client.call_sseapi(params, request, runtime):\n    print(answer.event.data)\n"
    return text + (
        "answer = client.call_api(params, request, runtime)\n"
        'print(json.dumps(answer["body"], ensure_ascii=False, indent=2))\n'
    )
