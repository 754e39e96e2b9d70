"""A call in Go with the official SDK."""

from collections.abc import Mapping
from typing import Any

from housecall.api.samples import literals
from housecall.api.samples.call import KEY_ID_VARIABLE, KEY_SECRET_VARIABLE, STREAM_SECONDS, SampleCall
from housecall.api.samples.sdk import WITHOUT_REQUEST, Kind, sdk_kinds

_MODELS = {"inputs": "ChatMessagesRequestInputs", "files": "ChatMessagesRequestFiles"}
_SDK = '\trdsai "github.com/alibabacloud-go/rdsai-20250507/v3/client"\n'
_GENERIC = '\topenapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"\n'


def write(call: SampleCall) -> str:
    kinds = sdk_kinds(call.action, call.parameters)
    body = _typed(call, kinds) if kinds is not None else _generic(call)
    package = "rdsai" if kinds is not None else "openapi"
    before, after = ("", _SDK) if kinds is not None else (_GENERIC, "")
    fmt = '\t"fmt"\n\t"os"\n'
    runtime = f"{{ReadTimeout: dara.Int({STREAM_SECONDS * 1000})}}" if call.streams else "{}"
    return f"""\
// go get github.com/alibabacloud-go/rdsai-20250507/v3
package main

import (
{fmt}
{before}\topenapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
{after}\t"github.com/alibabacloud-go/tea/dara"
)

func main() {{
\tclient, err := {package}.NewClient(&openapiutil.Config{{
\t\tAccessKeyId:     dara.String(os.Getenv("{KEY_ID_VARIABLE}")),
\t\tAccessKeySecret: dara.String(os.Getenv("{KEY_SECRET_VARIABLE}")),
\t\tEndpoint:        dara.String({literals.go_string(call.target.host)}),
\t\tProtocol:        dara.String({literals.go_string(call.target.scheme.upper())}),
\t}})
\tif err != nil {{
\t\tpanic(err)
\t}}
\truntime := &dara.RuntimeOptions{runtime}
{body}}}
"""


def _typed(call: SampleCall, kinds: Mapping[str, Kind]) -> str:
    text, given = "", "runtime"
    if call.action not in WITHOUT_REQUEST:
        given = "request, runtime"
        lines = "".join(
            f"\t\t{name}: {_value(kinds[name], call.parameters[name], call.texts[name])},\n" for name in kinds
        )
        text = f"\trequest := &rdsai.{call.action}Request{{" + (f"\n{lines}\t" if lines else "") + "}\n"
    if call.streams:
        return text + _stream(
            f"*rdsai.{call.action}Response", f"client.{call.action}WithSSE({given}, answers, failures)", "answer.Body"
        )
    return text + (
        f"\tresponse, err := client.{call.action}WithOptions({given})\n"
        "\tif err != nil {\n\t\tpanic(err)\n\t}\n"
        "\tfmt.Println(dara.Stringify(response.Body))\n"
    )


def _stream(kind: str, told: str, printed: str) -> str:
    return (
        f"\tanswers, failures := make(chan {kind}), make(chan error, 1)\n"
        f"\tgo {told}\n"
        "\tfor answer := range answers {\n"
        f"\t\tfmt.Println(dara.Stringify({printed}))\n"
        "\t}\n"
        "\tselect {\n"
        "\tcase err := <-failures:\n\t\tif err != nil {\n\t\t\tpanic(err)\n\t\t}\n"
        "\tdefault:\n\t}\n"
    )


def _value(kind: Kind, value: Any, text: str) -> str:
    if kind == "inputs":
        return _model(kind, value)
    if kind == "files":
        return f"[]*rdsai.{_MODELS[kind]}{{{', '.join(_model(kind, each) for each in value)}}}"
    if kind == "list":
        return f"[]*string{{{', '.join(f'dara.String({literals.go_string(str(each))})' for each in value)}}}"
    if kind == "map":
        return literals.go_value(value)
    if kind == "str":
        return f"dara.String({literals.go_string(text)})"
    return f"dara.{'Bool' if kind == 'bool' else 'Int32'}({literals.go_value(value)})"


def _model(kind: Kind, value: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{name}: dara.String({literals.go_string(str(each))})" for name, each in value.items())
    return f"&rdsai.{_MODELS[kind]}{{{inner}}}"


def _generic(call: SampleCall) -> str:
    lines = "".join(
        f"\t\t\t{literals.go_string(name)}: dara.String({literals.go_string(text)}),\n"
        for name, text in call.texts.items()
    )
    text = f"""\
\tparams := &openapiutil.Params{{
\t\tAction:      dara.String("{call.action}"),
\t\tVersion:     dara.String("{call.version}"),
\t\tProtocol:    dara.String({literals.go_string(call.target.scheme.upper())}),
\t\tPathname:    dara.String("/"),
\t\tMethod:      dara.String("POST"),
\t\tAuthType:    dara.String("AK"),
\t\tStyle:       dara.String("RPC"),
\t\tReqBodyType: dara.String("formData"),
\t\tBodyType:    dara.String("json"),
\t}}
\trequest := &openapiutil.OpenApiRequest{{
\t\tQuery: map[string]*string{{{chr(10) + lines + chr(9) * 2 if lines else ""}}},
\t}}
"""
    if call.streams:
        told = "client.CallSSEApi(params, request, runtime, answers, failures)"
        return text + _stream("*openapi.SSEResponse", told, "answer.Event")
    return text + (
        "\tanswer, err := client.CallApi(params, request, runtime)\n"
        "\tif err != nil {\n\t\tpanic(err)\n\t}\n"
        '\tfmt.Println(dara.Stringify(answer["body"]))\n'
    )
