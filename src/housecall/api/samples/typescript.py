"""A call in TypeScript with the official SDK."""

from collections.abc import Mapping
from typing import Any

from housecall.api.samples import literals
from housecall.api.samples.call import KEY_ID_VARIABLE, KEY_SECRET_VARIABLE, STREAM_SECONDS, SampleCall
from housecall.api.samples.sdk import WITHOUT_REQUEST, Kind, camel, sdk_kinds

_MODELS = {"inputs": "ChatMessagesRequestInputs", "files": "ChatMessagesRequestFiles"}


def write(call: SampleCall) -> str:
    kinds = sdk_kinds(call.action, call.parameters)
    return _typed(call, kinds) if kinds is not None else _generic(call)


def _head(call: SampleCall, imports: str, client: str) -> str:
    return f"""\
// npm install @alicloud/rdsai20250507 @alicloud/openapi-core @darabonba/typescript
import * as $dara from '@darabonba/typescript';
import {imports} from '@alicloud/openapi-core';
{client}
const client = new Client(new $OpenApiUtil.Config({{
  accessKeyId: process.env.{KEY_ID_VARIABLE},
  accessKeySecret: process.env.{KEY_SECRET_VARIABLE},
  endpoint: {literals.javascript(call.target.host)},
  protocol: {literals.javascript(call.target.scheme.upper())},
}}));
const runtime = new $dara.RuntimeOptions({{{_timeouts(call)}}});
"""


def _timeouts(call: SampleCall) -> str:
    """`readTimeout` bounds a whole stream in this SDK, `connectTimeout` the pauses in it."""
    return f" readTimeout: {STREAM_SECONDS * 1000}, connectTimeout: 10000 " if call.streams else ""


def _typed(call: SampleCall, kinds: Mapping[str, Kind]) -> str:
    method = camel(call.action)
    needs_request = call.action not in WITHOUT_REQUEST
    text = _head(call, "{ $OpenApiUtil }", "import Client, * as $models from '@alicloud/rdsai20250507';\n")
    given = "runtime"
    if needs_request:
        given = "request, runtime"
        lines = "".join(
            f"  {camel(name)}: {_value(kinds[name], call.parameters[name], call.texts[name])},\n" for name in kinds
        )
        text += f"const request = new $models.{call.action}Request({{{chr(10) + lines if lines else ''}}});\n"
    if call.streams:
        body = (
            f"  for await (const event of client.{method}WithSSE({given})) {{\n"
            "    console.log(JSON.stringify(event.body?.toMap()));\n  }\n"
        )
    else:
        body = (
            f"  const response = await client.{method}WithOptions({given});\n"
            "  console.log(JSON.stringify(response.body?.toMap(), null, 2));\n"
        )
    return text + _main(body)


def _main(body: str) -> str:
    return f"""
async function main(): Promise<void> {{
{body}}}

main().catch((error: Error) => {{
  console.error(error.message);
  process.exitCode = 1;
}});
"""


def _value(kind: Kind, value: Any, text: str) -> str:
    if kind == "inputs":
        return _model(kind, value)
    if kind == "files":
        return "[" + ", ".join(_model(kind, each) for each in value) + "]"
    return literals.javascript(text if kind == "str" else value)


def _model(kind: Kind, value: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{camel(name)}: {literals.javascript(each)}" for name, each in value.items())
    return f"new $models.{_MODELS[kind]}({{ {inner} }})"


def _generic(call: SampleCall) -> str:
    lines = "".join(
        f"    {literals.javascript(name)}: {literals.javascript(each)},\n" for name, each in call.texts.items()
    )
    text = _head(call, "Client, { $OpenApiUtil }", "")
    text += f"""\
const params = new $OpenApiUtil.Params({{
  action: '{call.action}',
  version: '{call.version}',
  protocol: {literals.javascript(call.target.scheme.upper())},
  pathname: '/',
  method: 'POST',
  authType: 'AK',
  style: 'RPC',
  reqBodyType: 'formData',
  bodyType: 'json',
}});
const request = new $OpenApiUtil.OpenApiRequest({{
  query: {{{chr(10) + lines + "  " if lines else ""}}},
}});
"""
    if call.streams:
        return text + _main(
            "  for await (const answer of client.callSSEApi(params, request, runtime)) {\n"
            "    console.log(answer.event?.data);\n  }\n"
        )
    return text + _main(
        "  const answer = await client.callApi(params, request, runtime);\n"
        "  console.log(JSON.stringify(answer.body, null, 2));\n"
    )
