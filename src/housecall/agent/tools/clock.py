"""The time, for questions about "now", "last night" and "since this morning"."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from housecall.agent.tools.catalogue import Context, ToolResult
from housecall.agent.tools.registry import ToolSpec
from housecall.wording import Say


class CurrentTime(ToolResult):
    utc: str
    local: str
    time_zone: str


async def get_current_time(ctx: Context) -> CurrentTime:
    now = ctx.deps.clock()
    name = ctx.deps.turn.timezone or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        name, zone = "UTC", ZoneInfo("UTC")
    return CurrentTime(
        utc=now.isoformat(timespec="seconds"),
        local=now.astimezone(zone).isoformat(timespec="seconds"),
        time_zone=name,
    )


TOOLS = (
    ToolSpec(
        "get_current_time",
        "read",
        Say(
            en="The current time, in UTC and in the user's time zone.",
            zh="当前时间：UTC 和用户所在时区。",
            tc="目前時間：UTC 與使用者所在時區。",
            ja="現在時刻（UTC と利用者のタイムゾーン）。",
        ),
        get_current_time,
    ),
)
