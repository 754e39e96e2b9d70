"""A diagnosis as an answer: the verdict first, then the causes with evidence and remedies, then what was not seen."""

import re
from functools import cache
from itertools import groupby
from typing import Any

from housecall.agent.builtin import words
from housecall.agent.builtin.conversation import Result
from housecall.agent.builtin.text import bullets, code, colon, comma, end, fenced, joined, label, paragraphs, say
from housecall.agent.tools.topics import KINDS_OF_INDEXES, Topic, belongs, check_belongs
from housecall.diagnosis.cause import Titles
from housecall.wording import Language, Say, Value

Cause = dict[str, Any]
URGENT = ("critical", "warning")
OUTSIDE = "external_cpu_contention"
"""The one cause that says: not the database."""


SHORT_STATEMENT = 120
"""A longer statement to check with is left for "show me the SQL", where there is room."""


MOST_WORDS = 300
ROOM = 200
"""Words for the causes told in full, SQL aside. With headline, other causes, what it is not and what was not
looked at, an answer stays below 300: what a person reads at three in the morning."""
LINES = 6
"""Causes in one line each beside urgent ones."""
SHORT_STEPS = 2
"""Statements that fit into one line; more are left for "show me the SQL"."""
LETTERS_A_WORD = 1.7
"""Chinese has no spaces; a word of it has one letter or two."""


def whole(exam: Result, language: Language, *, words_before: float = 0.0) -> str:
    """The answer to "why is it slow", "what is wrong" and "is it healthy".

    Where it would grow too long, with `words_before` that stand in front of it, reasons for not looking go first, then
    what it is not, then the last cause is told in one line.
    """
    causes, briefly = split(exam, language)
    while True:
        for reasons, cleared in ((MOST_MISSED, True), (1, True), (1, False)):
            answer = _told(exam, causes, briefly, language, reasons=reasons, cleared=cleared)
            if word_count(answer) + words_before <= MOST_WORDS:
                return answer
        if len(causes) <= 1:
            return answer
        causes, briefly = causes[:-1], [causes[-1], *briefly]


def _told(
    exam: Result, causes: list[Cause], briefly: list[Cause], language: Language, *, reasons: int, cleared: bool
) -> str:
    first = numbered(causes, language)
    return paragraphs([headline(exam, language), *first, also(exam, briefly, language),
                       not_it(exam, language) if cleared else None,
                       missed(exam, language, most=reasons),
                       say(words.ASK_MORE, language) if first else None])  # fmt: skip


def split(exam: Result, language: Language) -> tuple[list[Cause], list[Cause]]:
    """The causes told in full and those told in one line: the first, and further urgent ones while there is room.

    Nothing lesser is told in full beside something urgent, nor another cause of the same kind unless it is critical.
    """
    full = exam.get("causes", [])
    count, room = 0, float(ROOM)
    for place, cause in enumerate(full[:5], 1):
        room -= word_count(in_full(cause, language, place=place, brief=True))
        if count and (room < 0 or not _belongs_beside(cause, full[:count])):
            break
        count += 1
    return full[:count], [*full[count:], *exam.get("more_causes", [])]


def _belongs_beside(cause: Cause, told: list[Cause]) -> bool:
    if is_urgent(cause) and cause["severity"] == "critical":
        return True
    if is_urgent(cause):
        return len(told) < 3 and cause["id"] not in [each["id"] for each in told]
    return not any(is_urgent(each) for each in told) and len(told) < 2 and cause["id"] != told[0]["id"]


def is_urgent(cause: Cause) -> bool:
    return cause["severity"] in URGENT and not cause["past"]


_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def word_count(text: str) -> float:
    """Words of a text without its SQL, in Chinese about as many as a reader would count."""
    prose = _CODE.sub("", text)
    letters = sum("\u4e00" <= letter <= "\u9fff" for letter in prose)
    return len(prose.split()) + letters / LETTERS_A_WORD


def headline(exam: Result, language: Language) -> str:
    """The verdict. A server that was not wholly seen is never called healthy."""
    causes = [*exam.get("causes", []), *exam.get("more_causes", [])]
    instance, total = exam["instance_id"], exam["causes_total"]
    urgent = [cause for cause in causes if is_urgent(cause)]
    outside = _from_outside(exam, causes)
    if outside is not None:
        summary = end(outside["summary"], language)
        told = say(words.NOT_HERE, language, instance=instance, summary=summary)
        smaller = say(words.AND_SMALLER, language, count=total - len(urgent) - 1) if total - len(urgent) > 1 else ""
        but = say(words.NOT_HERE_BUT, language, count=len(urgent), smaller=smaller) if urgent else ""
        return joined([told, but], language) if but else told
    if urgent:
        return _urgent(exam, urgent, language)
    if any(not cause["past"] for cause in causes):
        return say(words.TIDY, language, instance=instance, count=total)
    unseen = exam["checks_not_evaluated"]
    if unseen:
        return say(words.PARTLY, language, instance=instance, missed=unseen, checks=exam["checks_total"])
    if causes:
        return say(words.ONLY_PAST, language, instance=instance, count=total)
    sentence = words.HEALTHY_MYSQL if exam.get("engine") == "mysql" else words.HEALTHY
    healthy = say(
        sentence, language, instance=instance, version=exam["version"], database=exam["database"],
        checks=exam["checks_total"],
    )  # fmt: skip
    findings = exam.get("findings_total", 0)
    return f"{healthy} {say(words.ONLY_FINDINGS, language, count=findings)}" if findings else healthy


def _from_outside(exam: Result, causes: list[Cause]) -> Cause | None:
    """What slows the server down from outside, when it was asked why it is slow and nothing inside does."""
    slow = [each for each in causes if belongs("slowness", each["id"]) and each["severity"] != "info"]
    slow = [each for each in slow if not each["past"]]
    is_alone = exam.get("focus") == "slowness" and [each["id"] for each in slow] == [OUTSIDE]
    return slow[0] if is_alone else None


def _urgent(exam: Result, urgent: list[Cause], language: Language) -> str:
    """The verdict when something needs a person. Asked why it is slow, a danger of another kind is no answer."""
    others = exam["causes_total"] - len(urgent)
    values: dict[str, Value] = {
        "instance": exam["instance_id"],
        "count": len(urgent),
        "order": say(words.WORST_FIRST, language) if len(urgent) > 1 else "",
        "smaller": say(words.AND_SMALLER, language, count=others) if others else "",
        "missed": exam["checks_not_evaluated"],
        "checks": exam["checks_total"],
    }
    if exam.get("focus") == "slowness" and not any(belongs("slowness", cause["id"]) for cause in urgent):
        return say(words.NOT_SLOW_PARTLY if exam["checks_not_evaluated"] else words.NOT_SLOW, language, **values)
    return say(words.URGENT, language, **values)


_EXCLUDED: tuple[Topic, ...] = ("locks", "connections", "memory", "replication")


def not_it(exam: Result, language: Language) -> str | None:
    """The usual suspects that no cause concerns, with the figures that clear them."""
    urgent = any(is_urgent(cause) for cause in exam.get("causes", []))
    asked = exam.get("focus") == "slowness" and exam["causes_total"]
    if not (urgent or asked):
        return None
    cleared = [topic for topic in _EXCLUDED if is_cleared(exam, topic)]
    looks = [_look(exam, topic, language) for topic in cleared if topic in exam.get("looked_at", {})]
    return say(words.NOT_IT, language, looks=comma(language).join(looks[: 3 if asked else 2])) if looks else None


def is_cleared(exam: Result, topic: Topic) -> bool:
    """Whether nothing speaks against a topic: no cause, no symptom of one, no finding, and every check of it looked."""
    if any(not each["past"] for each in of_topic(exam, topic)):
        return False
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    symptoms = [symptom.partition(":")[0] for each in every for symptom in each.get("symptoms", [])]
    found = [each["check"] for each in exam.get("findings", []) if each["severity"] != "info"]
    unseen = [check for group in exam.get("not_evaluated", []) for check in group["checks"]]
    return not (
        any(belongs(topic, symptom) for symptom in symptoms)
        or any(check_belongs(topic, check) for check in [*found, *unseen])
    )


def _look(exam: Result, topic: Topic, language: Language) -> str:
    return f"{topic_name(topic, exam, language)}{colon(language)}{exam['looked_at'][topic]}"


def topic_name(topic: str, exam: Result, language: Language) -> str:
    """What a topic is called on the engine that was examined."""
    own = words.TOPIC_NAMES_MYSQL if exam.get("engine") == "mysql" else {}
    return say(own.get(topic, words.TOPIC_NAMES[topic]), language)


def looked_at(exam: Result, topic: Topic, language: Language) -> str | None:
    """The figures that stand behind "nothing found"."""
    look = exam.get("looked_at", {}).get(topic)
    return say(words.LOOKED_AT, language, looks=look) if look else None


def numbered(causes: list[Cause], language: Language) -> list[str]:
    return [in_full(cause, language, place=place, brief=True) for place, cause in enumerate(causes, 1)]


def in_full(cause: Cause, language: Language, *, place: int | None = None, brief: bool = False) -> str:
    """One cause: what is wrong, how we know, what to do now and later, how to check."""
    remedies = cause.get("remedies", [])
    now = next((each for each in remedies if each["when"] == "now"), remedies[0] if remedies else None)
    later = next((each for each in remedies if each is not now), None)
    number = f"{place}. " if place else ""
    return paragraphs(
        [
            f"### {number}{end(cause['summary'], language)}\n{_tags(cause, language)}",
            _known(cause, language),
            remedy(now, language, _when(now), brief=brief, short=brief and place != 1) if now else None,
            _later(later, language) if later and not (brief and place != 1) else None,
        ]
    )


def _when(remedy: dict[str, Any]) -> Say:
    return words.NOW if remedy["when"] == "now" else words.LATER


def _tags(cause: Cause, language: Language) -> str:
    tags = [say(words.SEVERITIES[cause["severity"]], language), code(cause["id"])]
    if cause["past"]:
        tags.append(say(words.PAST, language))
    if cause.get("confidence", 1) < 0.8:
        tags.append(say(words.UNSURE, language, share=cause["confidence"]))
    return f"*{', '.join(tags[:1])}* · {' · '.join(tags[1:])}"


def _known(cause: Cause, language: Language) -> str | None:
    because = cause.get("because") or cause.get("evidence", [])[:3]
    lines = []
    if because:
        text = joined((end(each, language) for each in because), language)
        lines.append(label(words.HOW_WE_KNOW, language) + text)
    if cause.get("symptoms"):
        listed = comma(language).join(_symptom(each, language) for each in cause["symptoms"])
        lines.append(label(words.EXPLAINS, language) + listed)
    return "\n".join(lines) or None


@cache
def _titles() -> Titles:
    return Titles()


def _symptom(symptom: str, language: Language) -> str:
    """`deadlock: shop` in words; what has no name stays as it is."""
    cause_id, _, what = symptom.partition(": ")
    title = _titles().by_id.get(cause_id)
    if title is None:
        return symptom
    return say(words.SYMPTOM, language, title=say(title, language), what=what)


def remedy(each: dict[str, Any], language: Language, name: Say, *, brief: bool = False, short: bool = False) -> str:
    """A remedy with its statements, lock, risk, undo and check; in `short` what one must know before running it."""
    title = label(name, language) + end(each["title"], language)
    statements = fenced(each["statements"]) if each["statements"] else None
    if short:
        return paragraphs([title, statements, costs({**each, "rollback": [], "rollback_note": ""}, language)])
    return paragraphs([title, statements, costs(each, language, brief=brief), _verify(each, language, brief=brief)])


SHORT_UNDO = 2
"""Statements of an undo; more are left for "show me the SQL"."""


def costs(each: dict[str, Any], language: Language, *, brief: bool = False) -> str:
    """Lock, duration, risk, caution and undo of a remedy in one paragraph."""
    parts = []
    if each.get("lock"):
        parts.append(_labelled(words.LOCK, each["lock"], language))
    if each.get("duration"):
        parts.append(_labelled(words.TAKES, each["duration"], language))
    parts.append(_labelled(words.RISK, say(words.RISKS[each["risk"]], language), language))
    undo = each.get("rollback_note") or ""
    if each.get("rollback"):
        shown = each["rollback"][: SHORT_UNDO if brief else None]
        left = len(each["rollback"]) - len(shown)
        more = say(words.MORE_UNDO, language, count=left) if left else ""
        undo = " ".join([*(code(statement) for statement in shown), more, undo]).strip()
    if undo:
        parts.append(_labelled(words.UNDO, undo, language))
    if each.get("caution"):
        parts.append(_labelled(words.CAUTION, each["caution"], language, strong=True))
    return joined(parts, language)


def _labelled(name: Say, text: str, language: Language, *, strong: bool = False) -> str:
    start = label(name, language) if strong else say(name, language) + colon(language)
    return start + end(text, language)


def _verify(each: dict[str, Any], language: Language, *, brief: bool) -> str | None:
    if not each.get("verify"):
        return None
    text = _labelled(words.VERIFY, each["verify"], language)
    statement = each.get("verify_statement")
    if not statement or (brief and len(statement) > SHORT_STATEMENT):
        return text
    return f"{text} {code(statement)}"


def _later(each: dict[str, Any], language: Language) -> str:
    text = label(words.LATER if each["when"] == "later" else words.NOW, language) + end(each["title"], language)
    return f"{text} {' '.join(code(statement) for statement in each['statements'][:2])}" if each["statements"] else text


def one_line(cause: Cause, language: Language, place: int | None = None) -> str:
    severity = say(words.SEVERITIES[cause["severity"]], language)
    past = f", {say(words.PAST, language)}" if cause["past"] else ""
    number = f"{place}. " if place else ""
    return f"{number}{end(cause['summary'], language)} *({severity}{past})*"


def first_step(cause: Cause, language: Language) -> str:
    """What to do now about something urgent that is told in one line, its statements included when they are few."""
    now = next((each for each in cause.get("remedies", []) if each["when"] == "now"), None)
    if now is None or not is_urgent(cause):
        return ""
    told = label(words.NOW, language) + end(now["title"], language)
    few = now["statements"] if len(now["statements"]) <= SHORT_STEPS else []
    return " ".join([told, *(code(" ".join(each.split())) for each in few)])


def also(exam: Result, briefly: list[Cause], language: Language, *, all_of_them: bool = False) -> str | None:
    """The weaker causes, numbered on from those above: one line each, many of one kind in one line together."""
    if not briefly:
        return None
    first = len(exam.get("causes", [])) + len(exam.get("more_causes", [])) - len(briefly) + 1
    briefly = briefly if all_of_them else _worth_a_line(briefly, is_beside_urgent=first > 1)
    lines: list[str] = []
    for _, same in groupby(enumerate(briefly, first), key=lambda each: each[1]["id"]):
        lines.extend(_together(list(same), language))
    hidden = exam["causes_total"] - (first - 1) - len(briefly)
    more = say(words.STILL_MORE if all_of_them else words.MORE, language, count=hidden) if hidden > 0 else None
    return paragraphs([f"**{say(words.ALSO, language)}**\n\n" + "\n".join(lines), more])


def _worth_a_line(briefly: list[Cause], *, is_beside_urgent: bool) -> list[Cause]:
    """All urgent ones and a few of the others; what is only good to know waits until it is asked for."""
    urgent = [each for each in briefly if is_urgent(each)]
    if not is_beside_urgent or not urgent:
        return briefly
    lesser = [each for each in briefly[len(urgent) :] if each["severity"] != "info"]
    return [*briefly[: len(urgent)], *lesser[: max(0, LINES - len(urgent))]]


def _together(same: list[tuple[int, Cause]], language: Language) -> list[str]:
    """Up to three causes of one kind a line each; more of them are one line that names the others."""
    if len(same) <= 3:
        return [
            joined(filter(None, [one_line(cause, language, place), first_step(cause, language)]), language)
            for place, cause in same
        ]
    (first, cause), (last, _) = same[0], same[-1]
    objects = ", ".join(code(each["object"]) for _, each in same[1:])
    return [f"{first}-{last}. {one_line(cause, language)} {say(words.SAME_FOR, language, objects=objects)}"]


MOST_MISSED = 3
"""Reasons for not looking in the answer to a question about the whole server; the rest is a question away."""
_MISSED_MOST: tuple[Topic, ...] = ("statements", "locks", "connections", "memory")


def missed(exam: Result, language: Language, topic: Topic | None = None, *, most: int | None = None) -> str | None:
    """What could not be looked at, and what would let it; with `most`, what makes servers slow before the rest."""
    groups = exam.get("not_evaluated", [])
    shown = groups if most is None else sorted(groups, key=_is_aside)[:most]
    lines = _missed_lines(shown, language, topic)
    if not lines:
        return None
    hidden = exam["checks_not_evaluated"] - sum(each["checks_total"] for each in shown) if most else 0
    more = say(words.NOT_LOOKED_MORE, language, count=hidden) if hidden > 0 else None
    return paragraphs([f"**{say(words.NOT_LOOKED, language)}**\n\n{bullets(lines)}", more])


def _is_aside(group: dict[str, Any]) -> bool:
    """Whether none of its checks is about what makes servers slow."""
    return not any(check_belongs(topic, check) for topic in _MISSED_MOST for check in group["checks"])


def _missed_lines(groups: list[dict[str, Any]], language: Language, topic: Topic | None) -> list[str]:
    lines = []
    for group in groups:
        checks = [check for check in group["checks"] if topic is None or check_belongs(topic, check)]
        if not checks:
            continue
        names = ", ".join(check.partition(".")[2] or check for check in checks[:3]) + (" …" if len(checks) > 3 else "")
        count = group["checks_total"] if topic is None else len(checks)
        line = say(words.NOT_LOOKED_LINE, language, checks=names, count=count, reason=end(group["reason"], language))
        if group.get("remedy"):
            line = joined([line, f"{say(words.WOULD_HELP, language)}{_way(group['remedy'], language)}"], language)
        lines.append(line)
    return lines


def _way(remedy: str, language: Language) -> str:
    """A statement as code; a sentence as it is."""
    is_statement = remedy.endswith(";") and "`" not in remedy
    space = "" if language.startswith("zh") else " "
    return space + (code(remedy) if is_statement else end(remedy, language))


def of_topic(exam: Result, topic: Topic) -> list[Cause]:
    """Causes of a topic, those in full first."""
    return [cause for cause in [*exam.get("causes", []), *exam.get("more_causes", [])] if belongs(topic, cause["id"])]


def topical(lead: str | None, exam: Result, topic: Topic, language: Language) -> str:
    """The answer to a question about one topic: its figures and causes first, then other urgent causes in one line
    each."""
    causes = of_topic(exam, topic)
    full = [cause for cause in causes if "remedies" in cause and cause["severity"] != "info"][:3]
    rest = [one_line(cause, language) for cause in causes if cause not in full]
    unseen = missed(exam, language, topic)
    name = topic_name(topic, exam, language)
    look = looked_at(exam, topic, language)
    figures = look if lead is None or topic not in KINDS_OF_INDEXES else None
    if not causes:
        sentence = words.NO_CAUSE_PARTLY if unseen else words.NO_CAUSE
        none = say(sentence, language, topic=name, instance=exam["instance_id"])
        figures = joined([none, figures], language) if figures else none
    return paragraphs(
        [lead, figures, *numbered(full, language), bullets(rest), _smaller(exam, topic, causes, language), unseen,
         beside(exam, causes, language)]
    )  # fmt: skip


def _smaller(exam: Result, topic: Topic, causes: list[Cause], language: Language) -> str | None:
    """Findings of the topic that no cause was concluded from."""
    if causes:
        return None
    lines = [end(each["summary"], language) for each in exam.get("findings", []) if check_belongs(topic, each["check"])]
    return f"**{say(words.SMALLER, language)}**\n\n{bullets(lines[:5])}" if lines else None


def beside(exam: Result, told: list[Cause], language: Language) -> str | None:
    """Causes of other kinds, in one line each, so that a narrow question does not hide them: those that need somebody
    now, and where nothing concerns the question all that are urgent."""
    others = [
        cause
        for cause in [*exam.get("causes", []), *exam.get("more_causes", [])]
        if cause not in told and (cause["severity"] == "critical" or not told) and is_urgent(cause)
    ]
    if not others:
        return None
    return f"**{say(words.OTHERS, language)}**\n\n{bullets(one_line(cause, language) for cause in others[:4])}"
