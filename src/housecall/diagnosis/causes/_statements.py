"""What the causes about statements say on every engine: how much of the time, and that it is over."""

from collections.abc import Mapping
from typing import Any

from housecall.wording import Message, Say

SHARE = Say(
    en="{share:percent} of all statement time: {calls:count} call{calls:|s} of {mean:duration} on average.",
    zh="占全部语句耗时的 {share:percent}：调用 {calls:count} 次，平均 {mean:duration}。",
)
SHARE_NOW = Say(
    en="{share:percent} of all statement time while we looked: {calls:count} call{calls:|s} of {mean:duration} on"
    " average, far more than before.",
    zh="占本次观察期内全部语句耗时的 {share:percent}：调用 {calls:count} 次，平均 {mean:duration}，远高于以往。",
)
SEEN = Say(
    en="Seen running in {share:percent} of the looks at working sessions.",
    zh="在对工作会话的采样中，{share:percent} 运行的是它。",
)
STATEMENT = Say(en="The statement: {statement:code}.", zh="语句：{statement:code}。")
CALLER = Say(
    en="Most likely called by {statement:code}, which takes {share:percent} of all statement time.",
    zh="最可能的调用者是 {statement:code}，它占全部语句耗时的 {share:percent}。",
)
OVER = Say(
    en="It was not called during the examination, although it used to run often.",
    zh="该语句以往运行频繁，但在本次检查期间没有再被调用。",
)


def share_message(details: Mapping[str, Any]) -> Message:
    """How much of the time, with counts where they are known."""
    if details["calls"] is None:
        return SEEN(share=details["share"])
    say = SHARE_NOW if details.get("of_window") else SHARE
    return say(share=details["share"], calls=details["calls"], mean=details["mean_seconds"])
