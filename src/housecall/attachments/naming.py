"""What an uploaded file may be called, and what its first bytes say it is."""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

FileKind = Literal["image", "document"]

MAX_NAME_CHARACTERS = 120
HEAD_BYTES = 4096
"""What `sniffed` needs to see; of a shorter file all of it."""

TEXT_TYPES = {
    "sql": "application/sql",
    "csv": "text/csv",
    "json": "application/json",
    "txt": "text/plain",
    "log": "text/plain",
}
ALLOWED = "text, SQL, CSV, JSON, log, PNG, JPEG, WebP or GIF"
_CONTROLS_IN_TEXT = frozenset(b"\t\n\r\f\x1b\x08")
_MAX_CONTROL_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file is, by its content: the name only tells kinds of text apart."""

    kind: FileKind
    media_type: str


def cleaned_name(name: str | None) -> str:
    """The last part of a path, without control characters and marks that turn the direction of writing."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip().lstrip(".")
    if not shown:
        return "file"
    if len(shown) <= MAX_NAME_CHARACTERS:
        return shown
    suffix = PurePosixPath(shown).suffix[:10]
    return shown[: MAX_NAME_CHARACTERS - len(suffix)] + suffix


def sniffed(head: bytes, name: str) -> FileType | None:
    """What the file is; None: nothing that may be uploaded."""
    image = _image_type(head)
    if image is not None:
        return FileType("image", image)
    if not is_text(head):
        return None
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return FileType("document", TEXT_TYPES.get(extension, "text/plain"))


def _image_type(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def is_text(head: bytes) -> bool:
    """Whether these bytes are text in UTF-8 or in a one-byte encoding: no NUL, hardly a control character."""
    if b"\x00" in head:
        return False
    controls = sum(byte < 32 and byte not in _CONTROLS_IN_TEXT for byte in head)
    if controls > len(head) * _MAX_CONTROL_SHARE:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3:
            return True  # the head was cut within a character
        unusual = sum(byte >= 128 for byte in head)
        return unusual <= len(head) * 0.3  # Latin-1 and its kin; compressed or encrypted bytes have a half
    return True
