"""A call in Java with the official SDK.

Its synchronous client reads no streams, so an answer that comes as a stream is taken as one text when it is whole.
"""

from collections.abc import Mapping
from typing import Any

from housecall.api.samples import literals
from housecall.api.samples.call import KEY_ID_VARIABLE, KEY_SECRET_VARIABLE, STREAM_SECONDS, SampleCall
from housecall.api.samples.sdk import WITHOUT_REQUEST, Kind, camel, sdk_kinds

_MODELS = {"inputs": "ChatMessagesRequestInputs", "files": "ChatMessagesRequestFiles"}


def write(call: SampleCall) -> str:
    kinds = None if call.streams else sdk_kinds(call.action, call.parameters)
    body = _typed(call, kinds) if kinds is not None else _generic(call)
    package = "com.aliyun.rdsai20250507.Client" if kinds is not None else "com.aliyun.teaopenapi.Client"
    read = f"\n            .setReadTimeout({STREAM_SECONDS * 1000})" if call.streams else ""
    return f"""\
// Maven: com.aliyun:rdsai20250507
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.teautil.models.RuntimeOptions;

public class Sample {{
    public static void main(String[] arguments) throws Exception {{
        Config config = new Config()
            .setAccessKeyId(System.getenv("{KEY_ID_VARIABLE}"))
            .setAccessKeySecret(System.getenv("{KEY_SECRET_VARIABLE}"))
            .setEndpoint({literals.java_string(call.target.host)})
            .setProtocol({literals.java_string(call.target.scheme.upper())});
        {package} client = new {package}(config);
        RuntimeOptions runtime = new RuntimeOptions(){read};
{body}    }}
}}
"""


def _typed(call: SampleCall, kinds: Mapping[str, Kind]) -> str:
    package = "com.aliyun.rdsai20250507.models"
    text, given = "", "runtime"
    if call.action not in WITHOUT_REQUEST:
        given = "request, runtime"
        setters = "".join(
            f"\n            .set{name}({_value(kinds[name], call.parameters[name], call.texts[name])})"
            for name in kinds
        )
        kind = f"{package}.{call.action}Request"
        text = f"        {kind} request = new {kind}(){setters};\n"
    return text + (
        f"        {package}.{call.action}Response response = client.{camel(call.action)}WithOptions({given});\n"
        "        System.out.println(com.aliyun.teautil.Common.toJSONString(response.body.toMap()));\n"
    )


def _value(kind: Kind, value: Any, text: str) -> str:
    if kind == "inputs":
        return _model(kind, value)
    if kind == "files":
        return f"java.util.Arrays.asList({', '.join(_model(kind, each) for each in value)})"
    return literals.java_string(text) if kind == "str" else literals.java_value(value)


def _model(kind: Kind, value: Mapping[str, Any]) -> str:
    setters = "".join(f".set{name}({literals.java_string(str(each))})" for name, each in value.items())
    return f"new com.aliyun.rdsai20250507.models.{_MODELS[kind]}(){setters}"


def _generic(call: SampleCall) -> str:
    puts = "".join(
        f"        query.put({literals.java_string(name)}, {literals.java_string(text)});\n"
        for name, text in call.texts.items()
    )
    body_type = "string" if call.streams else "json"
    printed = 'answer.get("body")' if call.streams else 'com.aliyun.teautil.Common.toJSONString(answer.get("body"))'
    return f"""\
        java.util.Map<String, String> query = new java.util.HashMap<>();
{puts}        com.aliyun.teaopenapi.models.Params params = new com.aliyun.teaopenapi.models.Params()
            .setAction("{call.action}")
            .setVersion("{call.version}")
            .setProtocol({literals.java_string(call.target.scheme.upper())})
            .setPathname("/")
            .setMethod("POST")
            .setAuthType("AK")
            .setStyle("RPC")
            .setReqBodyType("formData")
            .setBodyType("{body_type}");
        com.aliyun.teaopenapi.models.OpenApiRequest request = new com.aliyun.teaopenapi.models.OpenApiRequest()
            .setQuery(query);
        java.util.Map<String, ?> answer = client.callApi(params, request, runtime);
        System.out.println({printed});
"""
