"""What the official SDKs know: the operations of the assistant with their parameters and declared types.

The SDKs are generated from one description, so this table holds for each of them; a test holds it against the Python
SDK. An operation or a parameter that is not here is called through the SDK's generic call.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

Kind = Literal["str", "int", "bool", "list", "map", "inputs", "files"]

_TABLE: Final = """
ChatMessages ConversationId EventMode Files:files Inputs:inputs ParentMessageId Query
ChatMessagesTaskStop TaskId WorkspaceId
GetConversations LastId Limit Pinned SortBy WorkspaceId
GetMessages ConversationId EventMode FirstId Limit:int WorkspaceId
ModifyMessagesFeedbacks Content MessageId Rating WorkspaceId
GetChatModel
DescribeEventsList EndTime InstanceIdList PageNumber:int PageSize:int RegionId StartTime
ListCustomAgentTools
CreateCustomAgent EnableTools:bool Name SkillIds:list SystemPrompt Tools:list
UpdateCustomAgent CustomAgentId EnableTools:bool Name SkillIds:list SystemPrompt Tools:list
GetCustomAgent CustomAgentId
ListCustomAgent PageNumber:int PageSize:int
DeleteCustomAgent CustomAgentId
CreateInspectionTask EndTime InspectionItems InstanceIds RegionId ReportLanguage ReportRegionId ReportType StartTime
 TemplateId
GetInspectionReport InstanceId ReportType TaskId
GetStandAloneReports EndTime PageNumber:int PageSize:int ReportType StartTime
CreateScheduledTask Description Frequency InspectionItems InstanceIds Name RegionId ReportLanguage ReportRegionId
 ReportType StartTime TemplateId TimeRange
ListScheduledTasks PageNumber:int PageSize:int ScheduledId
ModifyScheduledTask Description Frequency InspectionItems InstanceIds Name ReportLanguage ScheduledId StartTime
 TemplateId TimeRange
DeleteScheduledTask ScheduledId
GetScheduledInstances PageNumber:int PageSize:int ScheduledId
GetScheduledReports EndTime PageNumber:int PageSize:int ScheduledId StartTime
CreateSkill Content:map Dbtypes:list Description Name UpdateNote UploadId UploadToken WorkspaceId
GetSkill Download:bool Language Path SkillId VersionId WorkspaceId
ListSkill Language PageNumber:int PageSize:int Query Scope Sort Source WorkspaceId
UpdateSkill Content:map Dbtypes:list Description Name SkillId UpdateNote UploadId UploadToken WorkspaceId
DeleteSkill SkillId WorkspaceId
"""
_INNER: Final[Mapping[Kind, str]] = {
    "inputs": "CustomAgentId EnableThinking Language ModelId RegionId ResumeCallId ThinkEffort Timezone"
    " ToolApprovalMode WorkspaceId",
    "files": "TransferMethod Type UploadFileId",
}
WITHOUT_REQUEST: Final = frozenset({"ListCustomAgentTools"})
"""Operations whose method takes no request object."""


def _kinds(words: list[str]) -> dict[str, Kind]:
    return {name: kind or "str" for name, _, kind in (word.partition(":") for word in words)}  # type: ignore[misc]


OPERATIONS: Final[Mapping[str, Mapping[str, Kind]]] = {
    words[0]: _kinds(words[1:]) for words in (line.split() for line in _TABLE.replace("\n ", " ").strip().split("\n"))
}
INNER: Final[Mapping[Kind, frozenset[str]]] = {kind: frozenset(names.split()) for kind, names in _INNER.items()}


def sdk_kinds(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Kind] | None:
    """The declared types of a call's parameters, or None when the SDK cannot make this call by its own method."""
    kinds = OPERATIONS.get(operation)
    if kinds is None or not all(_fits(kinds.get(name), value) for name, value in parameters.items()):
        return None
    return {name: kinds[name] for name in parameters}


def _fits(kind: Kind | None, value: Any) -> bool:
    if kind is None:
        return False
    if kind == "inputs":
        return isinstance(value, Mapping) and set(value) <= INNER[kind]
    if kind == "files":
        return isinstance(value, list) and all(isinstance(each, Mapping) and set(each) <= INNER[kind] for each in value)
    if kind in ("list", "map"):
        return isinstance(value, list if kind == "list" else Mapping)
    return True


def snake(name: str) -> str:
    """The SDK's Python name: SkillIds is skill_ids."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def camel(name: str) -> str:
    """The SDK's TypeScript and Java name: SkillIds is skillIds."""
    return name[:1].lower() + name[1:]
