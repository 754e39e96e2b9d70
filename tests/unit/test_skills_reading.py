"""How skill files are read: strictly, with the file and line of what is wrong."""

from pathlib import Path

import pytest

from housecall.skills import catalog
from housecall.skills.front_matter import read_front_matter

HEAD = """---
name: tea
category: performance
engines: [PostgreSQL, MySQL]
title: Tea
title.zh-CN: 茶
title.zh-TW: 茶
title.ja: お茶
description: How to make tea: slowly
description.zh-CN: 泡茶
description.zh-TW: 泡茶
description.ja: お茶を入れる
tools: [kettle]
checks: []
---
"""
BODY = "# PostgreSQL, MySQL\n\nBoth.\n\n# PostgreSQL\n\nGreen.\n\n```\n# no heading\n```\n\n# MySQL\n\nBlack.\n"


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str, chinese: str | None = None) -> catalog.Skill:
        folder = tmp_path / "tea"
        folder.mkdir()
        (folder / "SKILL.md").write_text(text, encoding="utf-8")
        if chinese is not None:
            (folder / "SKILL.zh-CN.md").write_text(chinese, encoding="utf-8")
        return catalog._read_skill(folder)

    return reading


def test_an_engine_gets_all_sections_that_name_it_in_their_order(read) -> None:
    skill = read(HEAD + BODY)
    assert skill.content == {"PostgreSQL": "Both.\n\nGreen.\n\n```\n# no heading\n```\n", "MySQL": "Both.\n\nBlack.\n"}


def test_front_matter_is_read_as_it_stands(read) -> None:
    skill = read(HEAD + BODY)
    assert skill.description.en == "How to make tea: slowly"
    assert (skill.title.template("ja"), skill.tools, skill.checks) == ("お茶", ("kettle",), ())


def test_an_engine_without_a_translation_is_told_in_the_nearest_language(read) -> None:
    skill = read(HEAD + BODY, "# PostgreSQL\n\n绿茶。\n")
    assert skill.content_in("zh-TW") == {"PostgreSQL": "绿茶。\n", "MySQL": skill.content["MySQL"]}
    assert skill.text("PostgreSQL", "ja") == skill.content["PostgreSQL"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BODY, "must begin with front matter"),
        (HEAD.removesuffix("---\n") + BODY, "must begin with front matter"),
        (HEAD.replace("name: tea", "name tea") + BODY, "line 2: must be a new 'key: value', not 'name tea'"),
        (HEAD.replace("category:", "name:") + BODY, "line 3: must be a new 'key: value'"),
        (HEAD.replace("title.ja: お茶\n", "") + BODY, "lacks 'title.ja'"),
        (HEAD.replace("checks: []", "checks: []\ncheks: []") + BODY, "unknown keys: cheks"),
        (HEAD.replace("[kettle]", "kettle") + BODY, "tools must be a list"),
        (HEAD.replace("[kettle]", "[kettle, kettle]") + BODY, "each name once"),
        (HEAD.replace("name: tea", "name: coffee") + BODY, "name must be 'tea'"),
        (HEAD.replace("category: performance", "category: drinks") + BODY, "category one of performance"),
        (HEAD.replace("PostgreSQL, MySQL]", "Oracle]") + BODY, "engines must be some of PostgreSQL, MySQL, MariaDB"),
        (HEAD.replace("PostgreSQL, MySQL]", "PostgreSQL]") + BODY, "section of MySQL is for no engine"),
        (HEAD + "# PostgreSQL\n\nGreen.\n", "a section for each of PostgreSQL, MySQL"),
        (HEAD + "Lost.\n" + BODY, "text before the first heading"),
        (HEAD + BODY + "```\n", "a fenced block is not closed"),
        (HEAD + BODY + "# Oracle\n\nNone.\n", "engines must be some of"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_well_formed_is_refused(read, text: str, told: str) -> None:
    with pytest.raises(ValueError, match="SKILL") as caught:
        read(text)
    assert told in str(caught.value)


def test_the_rest_after_the_front_matter_is_the_text() -> None:
    head, rest = read_front_matter("---\na: b\n---\n\n---\ntext\n", "here")
    assert head.text("a") == "b"
    assert rest == "\n---\ntext"
