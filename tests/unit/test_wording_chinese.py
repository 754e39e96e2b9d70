"""Every Chinese sentence that Housecall can say about a server: written with Chinese punctuation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import housecall

SOURCE = Path(housecall.__file__).parent
HAN = "\u4e00-\u9fff"
PLACE_OR_CODE = re.compile(rf"\{{[^{{}}]*\}}|`[^`]*`|[A-Za-z_]+\([^(){HAN}]*\)")
HALF_WIDTH = re.compile(rf"(?<=[{HAN}])\s?[,;:!?()]|[,;:!?()]\s?(?=[{HAN}])")


def sentences(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file and Chinese text of a Say below a folder."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Say":
                texts = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "zh")]
                for text in texts:
                    if isinstance(text, ast.Constant) and isinstance(text.value, str):
                        yield file.stem, text.value


@pytest.mark.parametrize("folder", ["diagnosis", "agent/builtin"])
def test_chinese_sentences_use_full_width_punctuation(folder: str) -> None:
    told = list(sentences(SOURCE / folder))
    assert len(told) > 50
    assert [each for each in told if HALF_WIDTH.search(PLACE_OR_CODE.sub("数", each[1]))] == []


@pytest.mark.parametrize("folder", ["diagnosis", "agent/builtin"])
def test_every_sentence_has_its_chinese(folder: str) -> None:
    for file in sorted((SOURCE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Say" and node.args + node.keywords:
                assert len(node.args) > 1 or any(each.arg in ("zh", None) for each in node.keywords), (
                    file.stem, ast.unparse(node),
                )  # fmt: skip
