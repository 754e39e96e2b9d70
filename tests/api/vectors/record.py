"""Record what the official SDK sends: run this file to write `signing.json` beside it again.

A local server keeps each request as it arrives. The SDK of Node.js signs fewer headers and writes blanks as `%20`; its
requests are made here from its rules with the signing function of the Python SDK, so that the signature is not ours.
"""

import contextlib
import hashlib
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from alibabacloud_tea_openapi import utils_models as open_api_models
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest
from darabonba.runtime import RuntimeOptions

KEY_ID = "LTAItestkeyid"
SECRET = "testsecret0123456789"
VECTORS = Path(__file__).with_name("signing.json")


class _Keeper(BaseHTTPRequestHandler):
    kept: list[dict[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        self.kept.append({"method": self.command, "target": self.path, "headers": headers, "body": body.decode()})
        answer = b'{"RequestId":"R"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def keeper() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Keeper)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(endpoint: str, **config: Any) -> Client:
    if "bearer_token" not in config:
        config = {"access_key_id": KEY_ID, "access_key_secret": SECRET} | config
    return Client(open_api_models.Config(endpoint=endpoint, protocol="HTTP", region_id="local", **config))


QUESTION = models.ChatMessagesRequest(
    query="hello 你好 ~*+ /'()!",
    conversation_id="",
    event_mode="separate",
    inputs=models.ChatMessagesRequestInputs(language="zh-CN", region_id="cn-hangzhou", timezone="Asia/Shanghai"),
)


def _call(endpoint: str, path: str, method: str, body_type: str, *, query: Any = None, body: Any = None) -> None:
    style = "RPC" if path == "/" else "ROA"
    params = open_api_models.Params(
        action="ChatMessages",
        version="2025-05-07",
        protocol="HTTP",
        pathname=path,
        method=method,
        auth_type="AK",
        style=style,
        req_body_type=body_type,
        body_type="json",
    )
    request = open_api_models.OpenApiRequest(query=query or {}, body=body)
    client(endpoint).call_api(params, request, RuntimeOptions())


def _node(endpoint: str, target: str, query: dict[str, str]) -> None:
    """A request as the SDK of Node.js makes it."""
    request = DaraRequest()
    request.method, request.pathname, request.query = "POST", "/", query
    signed = {
        "host": endpoint,
        "x-acs-version": "2025-05-07",
        "x-acs-action": "ChatMessages",
        "x-acs-date": Utils.get_timestamp(),
        "x-acs-signature-nonce": "5b0d" * 16,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-credentials-provider": "static_ak",
    }
    request.headers = signed
    algorithm = "ACS3-HMAC-SHA256"
    authorization = Utils.get_authorization(request, algorithm, signed["x-acs-content-sha256"], KEY_ID, SECRET)
    connection = http.client.HTTPConnection(endpoint)
    unsigned = {"accept": "application/json", "user-agent": "AlibabaCloud (linux; x64) Node.js/v20"}
    connection.request("POST", target, headers=signed | unsigned | {"Authorization": authorization})
    connection.getresponse().read()
    connection.close()


def record() -> list[dict[str, Any]]:
    runtime = RuntimeOptions()
    names: list[str] = []
    with keeper() as endpoint:

        def keep(name: str, call: Any, *args: Any, **more: Any) -> None:
            call(*args, **more)
            names.append(name)

        keep("python chat", client(endpoint).chat_messages_with_options, QUESTION, runtime)
        agent = models.CreateCustomAgentRequest(
            name="n", enable_tools=True, system_prompt="你是", tools=["describe_db_instances"], skill_ids=[]
        )
        keep("python lists and booleans", client(endpoint).create_custom_agent_with_options, agent, runtime)
        keep(
            "python no parameters", client(endpoint).get_chat_model_with_options, models.GetChatModelRequest(), runtime
        )
        keep("python sts", client(endpoint, security_token="token/+=").chat_messages_with_options, QUESTION, runtime)
        keep("python get", _call, endpoint, "/", "GET", "json", query={"Query": "why slow?"})
        keep("python form", _call, endpoint, "/", "POST", "formData", body={"Query": "慢 + &", "Inputs": {"A": "b"}})
        keep("python json", _call, endpoint, "/v1/chat-messages", "POST", "json", body={"Query": "慢"})
        node_query = {"Query": "hello 你好 ~*+ /'()!", "EventMode": "inline"}
        encoded = "&".join(f"{name}={quote(value, safe='~*()!' + chr(39))}" for name, value in node_query.items())
        keep("node chat", _node, endpoint, f"/?{encoded}", node_query)
        old = client(endpoint, signature_algorithm="v2")
        keep("v1 chat", old.chat_messages_with_options, QUESTION, runtime)
        keep("v1 list", old.get_conversations_with_options, models.GetConversationsRequest(limit="10"), runtime)
    return [{"name": name, **kept} for name, kept in zip(names, _Keeper.kept, strict=True)]


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(record(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
