""" "Is it fixed now?": a new examination beside the earlier one, with figures before and after."""

import re

from housecall.agent.builtin import words
from housecall.agent.builtin.conversation import Result
from housecall.agent.builtin.diagnosis import URGENT, Cause, missed, one_line, remedy
from housecall.agent.builtin.text import bullets, code, comma, end, paragraphs, say
from housecall.wording import Language, Say


def compared(before: Result, now: Result, language: Language) -> str:
    """What is gone, what is still there, what is new."""
    old, new = _causes(before), _causes(now)
    asked = _asked_about(old)
    gone = [cause for key, cause in asked.items() if key not in new]
    still = sorted(((cause, new[key]) for key, cause in asked.items() if key in new), key=lambda pair: pair[1]["rank"])
    smaller = sum(key in new for key, cause in old.items() if key not in asked and not cause["past"])
    fresh = [cause for key, cause in new.items() if key not in old]
    return paragraphs(
        [
            _verdict(now["instance_id"], len(gone), len(still), language),
            _section(words.GONE, [end(_told_now(cause, before, now), language) for cause in gone], language),
            _section(words.STILL, [_still(one, other, before, now, language) for one, other in still], language),
            _section(words.NEW, [one_line(cause, language) for cause in fresh], language),
            say(words.SMALLER_STILL, language, count=smaller) if smaller else None,
            _next(still, language),
            _less_seen(before, now, language),
            missed(now, language),
        ]
    )


def _asked_about(old: dict[tuple[str, str], Cause]) -> dict[tuple[str, str], Cause]:
    """What "it" was: the urgent causes; hygiene only where nothing was urgent."""
    present = {key: cause for key, cause in old.items() if not cause["past"]}
    urgent = {key: cause for key, cause in present.items() if cause["severity"] in URGENT}
    return urgent or present


def _causes(exam: Result) -> dict[tuple[str, str], Cause]:
    """Causes by what they are and what they are about. Sessions come and go: a blocker is one cause whoever it is."""
    found: dict[tuple[str, str], Cause] = {}
    for cause in [*exam.get("causes", []), *exam.get("more_causes", [])]:
        about = (
            "session"
            if cause.get("object_kind") == "session" or cause["object"].startswith("pid ")
            else cause["object"]
        )
        found.setdefault((cause["id"], about), cause)
    return found


def _verdict(instance: str, gone: int, still: int, language: Language) -> str:
    if not gone + still:
        return say(words.FIXED_NOTHING, language, instance=instance)
    if not still:
        return say(words.FIXED_ALL, language, instance=instance)
    if not gone:
        return say(words.FIXED_NONE, language, instance=instance, before=still)
    return say(words.FIXED_SOME, language, instance=instance, gone=gone, before=gone + still, still=still)


def _section(title: Say, lines: list[str], language: Language) -> str | None:
    return f"**{say(title, language)}**\n\n{bullets(lines)}" if lines else None


def _told_now(cause: Cause, before: Result, now: Result) -> str:
    """A cause of before in words of now: its sentence, or its name where that sentence is in another language."""
    same = before.get("language") == now.get("language")
    return str(cause["summary"]) if same else f"{code(cause['id'])}: {code(cause['object'])}"


def _still(one: Cause, other: Cause, before: Result, now: Result, language: Language) -> str:
    if before.get("language") != now.get("language"):
        return end(other["summary"], language)
    return _before_and_now(one, other, language)


def _before_and_now(one: Cause, other: Cause, language: Language) -> str:
    head = end(other["summary"], language)
    before, now = one.get("because") or one.get("evidence") or [], other.get("because") or other.get("evidence") or []
    figures = [changed(a, b) for a, b in zip(before, now, strict=False) if a != b]
    if one["summary"] != other["summary"]:
        figures.insert(0, changed(one["summary"], other["summary"]))
    told = [each for each in figures if each][:2]
    if told:
        return f"{head} {say(words.BEFORE_NOW, language, figures=end(comma(language).join(told), language))}"
    return f"{head} {say(words.UNCHANGED, language, now=now[0].rstrip('.。'))}" if now else head


_FIGURE = re.compile(r"\d[\d,.]*(?: ?(?:%|[kMGT]B|bytes|ms|s|min|h|d)(?![a-z]))*(?: \d+ (?:s|min|h))?")

_WHAT = re.compile(r"(?: ?[^\s.,;:()，。；：（）\d{}%]+){1,2}")
_WHOSE = re.compile(r"(?:[^\s.,;:()，。；：（）\d{}%]+ ?){1,3}$")


def changed(before: str, now: str) -> str | None:
    """The figures of a sentence that are no longer what they were, with the words behind them, or before those that
    bring their unit along: `121,197 → 122,583 dead rows`, `open for 15.9 s → 26.5 s`. None where the sentences differ
    in more than figures."""
    old, new = _FIGURE.findall(before), list(_FIGURE.finditer(now))
    if _FIGURE.sub("#", before) != _FIGURE.sub("#", now) or len(old) != len(new):
        return None
    told: list[str] = []
    seen: set[str] = set()
    for was, match in zip(old, new, strict=True):
        if was.rstrip(".,") != match[0].rstrip(".,") and was not in seen:
            seen.add(was)
            is_bare = match[0][-1].isdigit()
            what = _WHAT.match(now[match.end() :]) if is_bare else None
            whose = None if is_bare else _WHOSE.search(now[: match.start()])
            figures = f"{was.rstrip('.,')} → {match[0].rstrip('.,')}"
            told.append(f"{whose[0] if whose else ''}{figures}{what[0] if what else ''}".strip())
    return ", ".join(told[:2]) or None


def _next(still: list[tuple[Cause, Cause]], language: Language) -> str | None:
    """The remedy of the first cause that remains."""
    for _, cause in still:
        if cause.get("remedies"):
            return remedy(cause["remedies"][0], language, words.NOW)
    return None


def _less_seen(before: Result, now: Result, language: Language) -> str | None:
    if now["checks_not_evaluated"] <= before["checks_not_evaluated"]:
        return None
    return say(words.LESS_SEEN, language, now=now["checks_not_evaluated"], before=before["checks_not_evaluated"])
