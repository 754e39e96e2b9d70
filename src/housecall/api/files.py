"""UploadFile and DeleteFile, and the preview of a file: what people attach to their questions.

A preview needs no credential but the token in its address, so that a browser can show an image. It is answered in a way
that keeps a browser from taking a file for a page.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from housecall.api.operation import Call, Operation, Route
from housecall.api.wire import Success, Text, WireRequest, WireResponse
from housecall.app import App
from housecall.chat.files import FileOfMessage, StoredFile, too_large
from housecall.errors import RequestError

PREVIEW_PATH = "/v1/files/{FileId}/preview"
_METHODS = ("GET",)


class UploadFileRequest(WireRequest):
    """The file is the part `File` of a multipart form; there are no other parameters."""


class UploadFileResponse(WireResponse):
    """A file that was kept. `id` is what ChatMessages takes as Files.1.UploadFileId."""

    id: str
    """Id of the file."""
    name: str
    """Its name, without path and control characters."""
    type: str
    """image or document."""
    media_type: str
    """What its content is, such as text/plain or image/png."""
    size: int
    """Bytes."""
    sha256: str
    """SHA-256 of its content."""
    created_at: int
    """Unix seconds."""
    preview_url: str
    """Path of its content on this server; it works for an hour and needs no credential."""


class DeleteFileRequest(WireRequest):
    """The file goes at once, also from the messages that it came with."""

    file_id: Text
    """Id of the file."""


async def upload_file(call: Call, request: UploadFileRequest) -> UploadFileResponse:  # noqa: ARG001
    upload = call.upload
    if upload is None:
        raise RequestError(
            "The provided parameter is invalid. A file comes in a form: POST multipart/form-data to /v1/files/upload,"
            " signed with V3 or with a bearer token."
        )
    if upload.is_too_large:
        raise too_large(upload.max_file_bytes)
    part = await upload.open_file()
    caller = call.caller
    stored = await call.app.files.store(caller.account_id, caller.user_id, part.name, part.content())
    return UploadFileResponse(
        id=stored.id,
        name=stored.name,
        type=stored.kind,
        media_type=stored.media_type,
        size=stored.size_bytes,
        sha256=stored.sha256,
        created_at=int(stored.created_at.timestamp()),
        preview_url=preview_url(call.app, stored),
    )


async def delete_file(call: Call, request: DeleteFileRequest) -> Success:
    await call.app.files.delete(call.caller.account_id, request.file_id)
    return Success()


def preview_url(app: App, stored: StoredFile) -> str:
    """The path at which anybody who has it can see the file for an hour."""
    return f"{PREVIEW_PATH.replace('{FileId}', stored.id)}?Token={app.files.preview_token(stored.id)}"


def message_file(app: App, attached: FileOfMessage) -> dict[str, str]:
    """A file as GetMessages lists it."""
    return {
        "Id": attached.file.id,
        "Type": attached.type,
        "PreviewUrl": preview_url(app, attached.file),
        "UploadFileId": attached.file.id,
    }


class PreviewDoor:
    """The endpoint of previews: an ASGI application that Starlette does not take for a function of a request."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _METHODS:
            raise HTTPException(405, headers={"Allow": ", ".join(_METHODS)})
        token = scope["query_string"].decode("latin-1").partition("Token=")[2].partition("&")[0]
        found = await self._app.files.open_preview(scope["path_params"]["FileId"], token)
        content = self._app.files.read(found.id)
        first = await anext(content)

        async def told() -> AsyncIterator[bytes]:
            yield first
            async for piece in content:
                yield piece

        await StreamingResponse(told(), headers=_headers(found))(scope, receive, send)


def _headers(found: StoredFile) -> dict[str, str]:
    shown = found.media_type if found.kind == "image" else "text/plain;charset=utf-8"
    return {
        "content-type": shown,
        "content-length": str(found.size_bytes),
        "content-disposition": f"inline; filename*=UTF-8''{quote(found.name, safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, max-age=3600",
    }


OPERATIONS = (
    Operation(
        name="UploadFile",
        request=UploadFileRequest,
        response=UploadFileResponse,
        summary="Upload a log, a plan, a script or an image, to attach it to a question.",
        handler=upload_file,
        access="create",
        errors=("MissingFile", "UnsupportedFileType", "FileTooLarge", "FileQuotaExceeded", "UnsupportedMediaType"),
        route=Route("POST", "/v1/files/upload"),
        takes_file=True,
    ),
    Operation(
        name="DeleteFile",
        request=DeleteFileRequest,
        response=Success,
        summary="Delete an uploaded file at once; else it goes with its conversation, or when it is old.",
        handler=delete_file,
        access="delete",
        errors=("FileNotFound",),
        example={"FileId": "5b0f1c4e-8d2a-4f6b-9c3d-7e1a2b3c4d5e"},
    ),
)
