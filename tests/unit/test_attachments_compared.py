"""The same files read by pgbadger and pt-query-digest: counts and sums must be theirs, where they are installed."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from housecall.attachments.digest import LogFacts
from housecall.attachments.reader import AttachmentReader

PGBADGER, PT_QUERY_DIGEST = shutil.which("pgbadger"), shutil.which("pt-query-digest")
STATEMENTS = (
    "SELECT * FROM orders WHERE customer_id = {a}",
    "UPDATE accounts SET balance = {a} WHERE id = {b}",
    "INSERT INTO events (kind, at) VALUES ('x{a}', {b})",
)


def facts_of(path: Path) -> LogFacts:
    reader = AttachmentReader(path.name)
    reader.feed(path.read_bytes())
    facts = reader.finish().log
    assert facts is not None
    return facts


def first_word(text: str) -> str:
    return text.split()[0].lower()


@pytest.mark.skipif(PGBADGER is None, reason="pgbadger is not installed (Debian package pgbadger)")
def test_a_postgresql_log_gives_the_counts_and_sums_of_pgbadger(tmp_path) -> None:
    dice, lines = random.Random(7), []
    for number in range(600):
        statement = dice.choice(STATEMENTS).format(a=dice.randint(1, 10**6), b=dice.randint(1, 10**6))
        lines.append(
            f"2026-06-01 12:{number // 60:02}:{number % 60:02}.000 UTC [{dice.randint(100, 140)}] app@shop"
            f" LOG:  duration: {dice.randint(1, 10**5) / 1000:.3f} ms  statement: {statement}\n"
        )
    path = tmp_path / "server.log"
    path.write_text("".join(lines))
    report = subprocess.run(
        [str(PGBADGER), "-q", "-f", "stderr", "-p", "%m [%p] %u@%d ", "-x", "text", "-o", "-", str(path)],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    ).stdout  # fmt: skip
    section = re.split(r"Total duration +Times executed", report)[1].partition("\n- ")[0]
    theirs = {
        first_word(text): (int(count), _seconds(total))
        for total, count, text in re.findall(r"^\d+\) (\S+) - ([\d,]+) - \S+ - (.*)$", section, re.M)
    }
    ours = facts_of(path)
    assert {first_word(each.text): each.calls for each in ours.statements} == {
        word: count for word, (count, _) in theirs.items()
    }
    for each in ours.statements:
        # its report cuts sums off at whole milliseconds
        assert each.total_seconds == pytest.approx(theirs[first_word(each.text)][1], abs=0.0011)


def _seconds(text: str) -> float:
    """`42s450ms` as pgbadger writes it."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|h|m|s)", text))


@pytest.mark.skipif(PT_QUERY_DIGEST is None, reason="pt-query-digest is not installed (Debian package percona-toolkit)")
def test_a_slow_log_gives_the_counts_and_sums_of_pt_query_digest(tmp_path) -> None:
    dice, lines = random.Random(7), []
    for number in range(400):
        statement = dice.choice(STATEMENTS).format(a=dice.randint(1, 10**6), b=dice.randint(1, 10**6))
        lines.append(
            f"# Time: 2026-06-01T12:{number // 60:02}:{number % 60:02}.000000Z\n"
            "# User@Host: app[app] @ localhost []  Id: 8\n"
            f"# Query_time: {dice.randint(1, 10**7) / 10**6:.6f}  Lock_time: 0.000100"
            f" Rows_sent: {dice.randint(0, 9)}  Rows_examined: {dice.randint(0, 999)}\n"
            f"use shop;\nSET timestamp={1780315200 + number};\n{statement};\n"
        )
    path = tmp_path / "slow.log"
    path.write_text("".join(lines))
    report = subprocess.run(
        [str(PT_QUERY_DIGEST), "--output", "json", "--limit", "100%", "--no-version-check", str(path)],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    ).stdout  # fmt: skip
    theirs = json.loads(re.sub(r"^[^{]*", "", report, count=1))
    by_word = {first_word(each["fingerprint"]): each for each in theirs["classes"]}
    ours = facts_of(path)
    assert len(ours.statements) == len(by_word)
    for each in ours.statements:
        found = by_word[first_word(each.text)]
        assert each.calls == found["query_count"]
        assert each.total_seconds == pytest.approx(float(found["metrics"]["Query_time"]["sum"]), abs=1e-5)
        assert each.rows_examined == int(float(found["metrics"]["Rows_examined"]["sum"]))
