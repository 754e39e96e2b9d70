"""A body that is read while it is used: bounded, compared with its signed hash at its end, and taken apart.

Everything else reads its body before it looks at it (`inbound`). A file is larger than that allows, so its request is
authenticated by its head, in which the hash of the body is signed, and its body goes through in pieces. What differs
from the hash is known at the end only, so nothing may be kept before `content` has ended without an error.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from housecall.api.inbound import DISCARD_BYTES, DISCARD_SECONDS, ClientGone
from housecall.errors import AuthenticationError, RequestError

PIECE_SECONDS: Final = 30.0
FRAME_BYTES: Final = 64 * 1024
"""What boundaries, headers and other fields of a form may take beside the file."""

_FORM: Final = b"multipart/form-data"


class Upload:
    """The body of one request. To be read once, by `content`."""

    def __init__(self, scope: Scope, receive: Receive, max_file_bytes: int) -> None:
        self._headers = Headers(scope=scope)
        self._receive = receive
        self._max_bytes = max_file_bytes + FRAME_BYTES
        self.max_file_bytes = max_file_bytes
        self._ended = False

    @property
    def announced_bytes(self) -> int:
        """What Content-Length says, or 0."""
        text = self._headers.get("content-length", "")
        return int(text) if text.isdigit() and len(text) < 19 else 0

    @property
    def is_too_large(self) -> bool:
        return self.announced_bytes > self._max_bytes

    async def pieces(self) -> AsyncIterator[bytes]:
        """The raw body.

        Raises:
            AuthenticationError: it is not the body whose hash was signed; known at its end.
            RequestError: RequestTimeout.
            ClientGone: the connection closed first.
        """
        digest, size = hashlib.sha256(), 0
        while not self._ended:
            piece = await self._next()
            digest.update(piece)
            size += len(piece)
            yield piece
        claimed = self._headers.get("x-acs-content-sha256", "")
        signed = self._headers.get("authorization", "bearer ")[:7].lower() != "bearer "
        if signed and not hmac.compare_digest(claimed.encode("utf-8", "surrogateescape"), digest.hexdigest().encode()):
            raise AuthenticationError(
                "Specified signature is not matched with our calculation. x-acs-content-sha256 is not the SHA-256 of"
                f" the body ({size} bytes) that arrived.",
                code="SignatureDoesNotMatch",
            )

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                message: Message = await self._receive()
        except TimeoutError:
            raise RequestError(
                f"Nothing of the body arrived for {PIECE_SECONDS:.0f} seconds.", code="RequestTimeout", status=408
            ) from None
        if message["type"] == "http.disconnect":
            self._ended = True
            raise ClientGone
        self._ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def discard(self) -> None:
        """Take what the client still sends, within limits, so that it comes to read why it was refused."""
        if self._headers.get("expect", "").lower() == "100-continue":
            return
        left = DISCARD_BYTES
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self._ended and left > 0:
                    left -= len(await self._next())
        except (TimeoutError, RequestError, ClientGone):
            return

    async def open_file(self) -> "FilePart":
        """The file of the form, as far as its name is known.

        Raises RequestError when the body is no form or has no file, besides what `pieces` raises.
        """
        kind, options = parse_options_header(self._headers.get("content-type", ""))
        if kind != _FORM:
            shown = kind.decode("latin-1")[:60] or "of no declared type"
            raise RequestError(
                f"The body is {shown!r}; send multipart/form-data with the file as the part 'File'.",
                code="UnsupportedMediaType",
                status=415,
            )
        if not options.get(b"boundary"):
            raise _invalid("The Content-Type multipart/form-data has no boundary.")
        part = FilePart(self.pieces(), options[b"boundary"])
        await part.open()
        return part


class FilePart:
    """The one file of a multipart form. `name` is what the client calls it, as it came."""

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self.name: str | None = None
        self._found = self._inside = self._whole = False
        self._header: list[bytes] = [b"", b""]
        self._disposition = b""
        self._waiting = bytearray()
        self._other_bytes = 0
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise _invalid(f"The form cannot be read: {error}.") from None

    async def open(self) -> None:
        """Read up to the file's name."""
        async for piece in self._pieces:
            self._feed(piece)
            if self._found:
                return
        raise RequestError(
            'The input parameter "File" that is mandatory for processing this request is not supplied.'
            " It is a part of the form with a file name.",
            code="MissingFile",
        )

    async def content(self) -> AsyncIterator[bytes]:
        """The file's bytes; its end is that of the whole body."""
        if self._waiting:
            yield self._taken()
        async for piece in self._pieces:
            self._feed(piece)
            if self._waiting:
                yield self._taken()
        if not self._whole:
            raise _invalid("The form ends before its closing boundary.")

    def _taken(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken

    def _feed(self, piece: bytes) -> None:
        if self._whole:
            return  # what follows the closing boundary means nothing
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _invalid(f"The form cannot be read: {str(error)[:200]}.") from None

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._on_part,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _on_part(self) -> None:
        self._disposition, self._header = b"", [b"", b""]

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _on_header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = self._header[1]
        self._header = [b"", b""]

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename")
        self._inside = name is not None
        if name is None:
            return
        if self._found:
            raise _invalid("The form has more than one file; send one at a time.")
        self._found = True
        self.name = name.decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._waiting += data[start:end]
            return
        self._other_bytes += end - start
        if self._other_bytes > FRAME_BYTES:
            raise _invalid(f"The form's other fields are longer than {FRAME_BYTES} bytes.")

    def _on_end(self) -> None:
        self._whole = True


def _invalid(why: str) -> RequestError:
    return RequestError(f"The provided parameter is invalid. {why}")
