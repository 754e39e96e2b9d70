"""UploadFile and what becomes of a file: over a real socket, with raw signed requests and the official SDK."""

import hashlib
import http.client
import json
from typing import Any

import httpx
import pytest
from alibabacloud_rdsai20250507 import models
from darabonba.runtime import RuntimeOptions
from tests.api.test_sdk import client_of

from housecall.access.accounts import Caller

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LOG = b"2026-06-01 12:00:00.000 UTC [42] LOG:  duration: 12.000 ms  statement: SELECT 1\n"
BOUNDARY = "xxxx1234"
PATH = "/v1/files/upload"
MEGABYTE = 1024 * 1024


def form(content: bytes, name: str = "slow.log", field: str = "File", boundary: str = BOUNDARY) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def form_type(boundary: str = BOUNDARY) -> dict[str, str]:
    return {"content-type": f"multipart/form-data; boundary={boundary}"}


def upload(live: Any, content: bytes, name: str = "slow.log", **more: Any) -> httpx.Response:
    return live.send("UploadFile", PATH, body=form(content, name), headers=form_type(), **more)


def uploaded(live: Any, content: bytes = LOG, name: str = "slow.log") -> dict[str, Any]:
    answer = upload(live, content, name)
    assert answer.status_code == 200, answer.text
    return answer.json()


def code_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["Code"])


class TestUploading:
    def test_answers_id_name_size_and_type(self, whole) -> None:
        told = uploaded(whole)
        assert (told["Name"], told["Size"], told["Type"], told["MediaType"]) == (
            "slow.log", len(LOG), "document", "text/plain",
        )  # fmt: skip
        assert told["Sha256"] == hashlib.sha256(LOG).hexdigest()
        assert len(told["Id"]) == 36

    @pytest.mark.parametrize(
        ("head", "media_type"),
        [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0 and the rest", "image/jpeg"),
            (b"GIF89a and the rest", "image/gif"),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ],
    )
    def test_an_image_is_known_by_its_content_whatever_its_name(self, whole, head, media_type) -> None:
        told = uploaded(whole, head, "notes.txt")
        assert (told["Type"], told["MediaType"]) == ("image", media_type)

    def test_text_that_is_called_an_image_is_a_document(self, whole) -> None:
        assert uploaded(whole, b"hello", "cat.png")["Type"] == "document"

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\logs\\slow.log", "slow.log"),
            ("a\x07b\u202egnp.log", "abgnp.log"),
            ("..", "file"),
            ("x" * 300 + ".sql", "x" * 116 + ".sql"),
        ],
    )
    def test_the_name_loses_path_and_control_characters(self, whole, name, kept) -> None:
        assert uploaded(whole, name=name)["Name"] == kept

    def test_a_bearer_token_may_upload(self, whole) -> None:
        headers = {**form_type(), "x-acs-bearer-token": whole.bearer}
        answer = httpx.post(whole.url + PATH, content=form(LOG), headers=headers)
        assert answer.status_code == 200, answer.text

    def test_a_file_of_twenty_megabytes_is_kept_and_one_byte_more_is_not(self, whole) -> None:
        most = b"a line of a log\n" * (20 * MEGABYTE // 16)
        assert uploaded(whole, most)["Size"] == 20 * MEGABYTE
        assert code_of(upload(whole, most + b"x"), 413) == "FileTooLarge"

    def test_a_body_far_over_the_limit_is_refused_by_its_announced_length(self, whole) -> None:
        assert code_of(upload(whole, b"x" * (21 * MEGABYTE)), 413) == "FileTooLarge"


class TestHostileUploads:
    def test_binary_garbage_that_is_called_a_log_is_refused(self, whole) -> None:
        garbage = hashlib.shake_256(b"seed").digest(50_000)
        assert code_of(upload(whole, garbage, "server.log"), 415) == "UnsupportedFileType"

    def test_a_body_that_is_not_what_was_signed_is_refused_and_not_kept(self, whole) -> None:
        body = form(LOG)
        headers = whole.headers("UploadFile", PATH, "POST", body, headers=form_type())
        connection = http.client.HTTPConnection(whole.endpoint)
        connection.request("POST", PATH, form(LOG.replace(b"SELECT 1", b"SELECT 2")), headers)
        answer = connection.getresponse()
        assert json.loads(answer.read())["Code"] == "SignatureDoesNotMatch"
        connection.close()
        count = whole.run(_pieces_of_broken_uploads(whole.app))
        assert count == 0

    def test_an_unsigned_upload_is_refused_before_its_body_counts(self, whole) -> None:
        answer = httpx.post(whole.url + PATH, content=form(b"x" * MEGABYTE), headers=form_type())
        assert code_of(answer, 400) == "MissingAccessKeyId"

    def test_a_form_without_a_boundary_is_refused(self, whole) -> None:
        answer = whole.send("UploadFile", PATH, body=form(LOG), headers={"content-type": "multipart/form-data"})
        assert code_of(answer, 400) == "InvalidParameter"
        assert "boundary" in answer.json()["Message"]

    def test_a_body_that_is_no_form_is_refused(self, whole) -> None:
        answer = whole.send("UploadFile", PATH, body=b"{}", headers={"content-type": "application/json"})
        assert code_of(answer, 415) == "UnsupportedMediaType"

    @pytest.mark.parametrize(
        "body",
        [
            b"no boundary in here at all",
            form(LOG, boundary="another"),
            form(LOG)[:-20],
            b"--xxxx1234\r\nContent-Disposition form-data\r\n\r\nx\r\n--xxxx1234--\r\n",
        ],
    )
    def test_a_broken_form_is_an_invalid_parameter(self, whole, body) -> None:
        answer = whole.send("UploadFile", PATH, body=body, headers=form_type())
        assert answer.status_code == 400, answer.text

    def test_a_form_without_a_file_says_what_is_missing(self, whole) -> None:
        body = b'--xxxx1234\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xxxx1234--\r\n'
        assert code_of(whole.send("UploadFile", PATH, body=body, headers=form_type()), 400) == "MissingFile"

    def test_two_files_at_once_are_refused(self, whole) -> None:
        body = form(LOG).replace(b"--xxxx1234--\r\n", b"") + form(LOG)
        assert code_of(whole.send("UploadFile", PATH, body=body, headers=form_type()), 400) == "InvalidParameter"

    def test_an_empty_file_is_refused(self, whole) -> None:
        assert code_of(upload(whole, b""), 400) == "InvalidParameter"

    def test_the_rpc_door_says_where_files_go(self, whole) -> None:
        answer = whole.send("UploadFile")
        assert "/v1/files/upload" in answer.json()["Message"]


async def _pieces_of_broken_uploads(app: Any) -> int:
    from sqlalchemy import text

    async with app.database.begin("counting") as connection:
        return int(
            (await connection.execute(text("SELECT count(*) FROM housecall.files WHERE NOT ready"))).scalar_one()
        )


def ask(live: Any, question: str, *file_ids: str, **more: Any) -> list[Any]:
    files = [
        models.ChatMessagesRequestFiles(type=None, transfer_method="local_file", upload_file_id=each)
        for each in file_ids
    ]
    request = models.ChatMessagesRequest(query=question, files=files, **more)
    return list(client_of(live).chat_messages_with_sse(request, RuntimeOptions()))


class TestAttaching:
    def test_the_agent_is_given_the_file_and_history_lists_it(self, whole) -> None:
        file_id = uploaded(whole)["Id"]
        question = whole.script("seen")
        chunks = ask(whole, question, file_id)
        (attached,) = whole.answerer.turns[question].attachments
        assert (attached.id, attached.name, attached.kind, attached.is_new) == (file_id, "slow.log", "document", True)
        assert whole.run(_content(attached)) == LOG
        conversation_id = chunks[0].body.conversation_id
        page = client_of(whole).get_messages(models.GetMessagesRequest(conversation_id=conversation_id)).body
        (listed,) = page.data[0].message_files
        assert (listed.id, listed.type, listed.upload_file_id) == (file_id, "document", file_id)
        preview = httpx.get(whole.url + listed.preview_url)
        assert preview.content == LOG
        assert preview.headers["content-type"] == "text/plain;charset=utf-8"

    def test_a_later_question_sees_the_file_of_an_earlier_one_as_old(self, whole) -> None:
        file_id = uploaded(whole)["Id"]
        conversation_id = ask(whole, whole.script("a"), file_id)[0].body.conversation_id
        second = whole.script("b")
        ask(whole, second, conversation_id=conversation_id)
        (attached,) = whole.answerer.turns[second].attachments
        assert (attached.id, attached.is_new) == (file_id, False)

    def test_an_unknown_file_is_not_found_and_nothing_is_asked(self, whole) -> None:
        files = [{"UploadFileId": "5b0f1c4e-8d2a-4f6b-9c3d-7e1a2b3c4d5e"}]
        answer = whole.send("ChatMessages", target("ChatMessages", Query="x", Files=json.dumps(files)))
        assert code_of(answer, 404) == "FileNotFound"

    def test_a_remote_address_is_refused(self, whole) -> None:
        files = [{"UploadFileId": "http://169.254.169.254/", "TransferMethod": "remote_url"}]
        answer = whole.send("ChatMessages", target("ChatMessages", Query="x", Files=json.dumps(files)))
        assert code_of(answer, 400) == "InvalidParameter"

    def test_another_accounts_file_is_not_found(self, whole) -> None:
        stored = whole.run(_store_for_another_account(whole.app))
        files = json.dumps([{"UploadFileId": stored}])
        answer = whole.send("ChatMessages", target("ChatMessages", Query="x", Files=files))
        assert code_of(answer, 404) == "FileNotFound"
        assert code_of(whole.send("DeleteFile", target("DeleteFile", FileId=stored)), 404) == "FileNotFound"


async def _content(attached: Any) -> bytes:
    return b"".join([piece async for piece in attached.chunks()])


async def _store_for_another_account(app: Any) -> str:
    from sqlalchemy import text

    async with app.database.begin("making an account") as connection:
        await connection.execute(
            text("INSERT INTO housecall.accounts (id, name) VALUES ('77', 'other') ON CONFLICT DO NOTHING")
        )
    other = Caller("77", "78")
    return (await app.files.store(other.account_id, other.user_id, "theirs.log", _once(LOG))).id


async def _once(content: bytes) -> Any:
    yield content


def target(_: str, **parameters: str) -> str:
    return f"/?{httpx.QueryParams(parameters)}"


class TestTheEndOfAFile:
    def test_a_deleted_file_is_gone(self, whole) -> None:
        file_id = uploaded(whole)["Id"]
        assert whole.send("DeleteFile", target("DeleteFile", FileId=file_id)).json()["Result"] == "success"
        assert code_of(whole.send("DeleteFile", target("DeleteFile", FileId=file_id)), 404) == "FileNotFound"

    def test_a_file_older_than_its_days_is_gone(self, whole) -> None:
        file_id = uploaded(whole)["Id"]
        days = whole.app.settings.file_keep_days
        whole.run(_age(whole.app, file_id, days))
        whole.run(whole.app.files.sweep())
        files = json.dumps([{"UploadFileId": file_id}])
        answer = whole.send("ChatMessages", target("ChatMessages", Query="x", Files=files))
        assert code_of(answer, 404) == "FileNotFound"

    def test_a_preview_with_another_files_token_is_not_found(self, whole) -> None:
        one, other = uploaded(whole), uploaded(whole)
        token = other["PreviewUrl"].partition("?")[2]
        answer = httpx.get(f"{whole.url}/v1/files/{one['Id']}/preview?{token}")
        assert code_of(answer, 404) == "FileNotFound"
        assert code_of(httpx.get(f"{whole.url}/v1/files/{one['Id']}/preview"), 404) == "FileNotFound"

    def test_an_image_is_shown_as_one_and_never_as_a_page(self, whole) -> None:
        shown = httpx.get(whole.url + uploaded(whole, PNG, "plan.png")["PreviewUrl"])
        assert shown.headers["content-type"] == "image/png"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]


async def _age(app: Any, file_id: str, days: int) -> None:
    from sqlalchemy import text

    async with app.database.begin("ageing a file") as connection:
        await connection.execute(
            text("UPDATE housecall.files SET created_at = now() - make_interval(days => :days) WHERE id = :id"),
            {"days": days, "id": file_id},
        )
