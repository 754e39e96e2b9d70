"""The server has opened nearly as many files as the operating system lets it."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="file_limit_reached",
    title=Say(en="Too many open files", zh="打开文件数达到上限"),
    checks=("mysql.open_files", "mysql.error_log"),
)
_EFFECT = Say(
    en="At the limit no table can be opened and no connection accepted.",
    zh="达到上限后无法再打开表，也无法接受新连接。",
)
_CAUTION = Say(
    en="The service must allow it too: LimitNOFILE of its systemd unit.",
    zh="服务本身也要放开限制：systemd 单元中的 LimitNOFILE。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    near = [each for each in found.of("mysql.open_files") if each.severity.rank >= Severity.WARNING.rank]
    refused = [each for each in found.of("mysql.error_log") if each.details["kind"] == "files"]
    for finding in (refused or near)[:1]:
        basis = (*refused, *near)
        yield Cause(
            id=CAUSE.id,
            object="open_files_limit",
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if refused else 0.75,
            summary=finding.message,
            because=(_EFFECT(),),
            evidence=tuple(evidence for each in basis for evidence in each.evidence),
            remedies=(
                set_variables(
                    now.facts.version, [Change("open_files_limit", "65535")], in_file=True, caution=_CAUTION()
                ),
            ),
            rests_on=tuple(each.fingerprint for each in basis),
        )
