"""The policies that come with Housecall. They exist in every account, cannot be changed, and need no store."""

from functools import cache

from housecall.access.policy_document import parse_policy
from housecall.access.statements import Policy

_DOCUMENTS: dict[str, tuple[str, dict[str, object]]] = {
    "AdministratorAccess": (
        "Everything, rights of others included.",
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    ),
    "HousecallFullAccess": (
        "Every operation of the assistant on every instance; no rights over users and policies.",
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["rdsai:*", "rds:*"], "Resource": "*"}]},
    ),
    "HousecallChatAccess": (
        "To ask and to read one's own answers. Which instances: grant rds: actions beside it.",
        {
            "Version": "1",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "rdsai:ChatMessages",
                        "rdsai:ChatMessagesTaskStop",
                        "rdsai:Get*",
                        "rdsai:List*",
                        "rdsai:ModifyMessagesFeedbacks",
                        "rdsai:SubscribeMessage",
                        "rdsai:UploadFile",
                    ],
                    "Resource": "*",
                }
            ],
        },
    ),
    "HousecallInstanceReadAccess": (
        "To examine every instance: everything but reading rows by free SQL and changing anything.",
        {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"}]},
    ),
}


@cache
def builtin_policies() -> dict[str, Policy]:
    """By name."""
    return {name: parse_policy(document, name) for name, (_, document) in _DOCUMENTS.items()}


def builtin_description(name: str) -> str:
    return _DOCUMENTS[name][0]
