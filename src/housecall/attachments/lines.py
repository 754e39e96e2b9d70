"""A stream of bytes as lines of text, in bounded memory: of a line that is too long only the beginning is kept."""

from collections.abc import Sequence

MAX_LINE_BYTES = 64 * 1024


class Lines:
    """Cuts pieces of bytes into lines. Bytes that are not UTF-8 become U+FFFD, and so does NUL."""

    def __init__(self) -> None:
        self._held = b""
        self._skipping = False
        self.bytes_read = 0
        self.lines_cut = 0

    def feed(self, piece: bytes) -> Sequence[str]:
        """The lines that this piece completes."""
        self.bytes_read += len(piece)
        lines: list[str] = []
        if self._skipping:
            start = piece.find(b"\n")
            if start < 0:
                return lines
            lines.extend(self.finish())
            piece = piece[start + 1 :]
        end = piece.rfind(b"\n")
        if end < 0:
            self._hold(self._held + piece)
            return lines
        whole = self._held + piece[:end]
        self._hold(piece[end + 1 :])
        lines.extend(map(self._clipped, _decoded(whole).split("\n")))
        return lines

    def finish(self) -> Sequence[str]:
        """The last line when nothing ends it."""
        rest, self._held, self._skipping = self._held, b"", False
        return [self._clipped(_decoded(rest))] if rest else ()

    def _hold(self, rest: bytes) -> None:
        """Keep the beginning of an unfinished line; of a very long one the rest is skipped when it comes."""
        self._skipping = len(rest) > MAX_LINE_BYTES
        self._held = rest[:MAX_LINE_BYTES]
        self.lines_cut += self._skipping

    def _clipped(self, line: str) -> str:
        if len(line) > MAX_LINE_BYTES:
            self.lines_cut += 1
            line = line[:MAX_LINE_BYTES]
        return line[:-1] if line.endswith("\r") else line


def _decoded(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text.replace("\x00", "\ufffd") if "\x00" in text else text
