"""Cutting a Markdown text that is still being written into blocks that are finished."""


class Blocks:
    """Takes deltas, gives finished blocks. `rest` is what may still change.

    A block is finished when a blank line stands behind it, outside of a code fence, and the next line does not belong
    to it by indentation (the paragraphs and code of a list item).
    """

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, delta: str) -> str:
        """The blocks that this delta finished, as one text; empty when none."""
        self.rest += delta
        cut = _last_cut(self.rest)
        finished, self.rest = self.rest[:cut], self.rest[cut:]
        return finished

    def end(self) -> str:
        """What is left when no more comes."""
        finished, self.rest = self.rest, ""
        return finished


def _last_cut(text: str) -> int:
    """Where the last line begins that certainly starts a new block; 0 when there is none."""
    cut = start = 0
    fenced = after_blank = False
    for line in text.splitlines(keepends=True):
        if after_blank and not fenced and line[:1] not in (" ", "\t", "\n", "\r"):
            cut = start
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        after_blank = not line.strip() and line.endswith("\n")
        start += len(line)
    return cut
