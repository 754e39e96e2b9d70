"""Every error code that the API answers, with its HTTP status and what to do about it.

`errors.py` says what went wrong inside; this table says it to callers (contract, section 5 and 7). The `Recommend` of
an error comes from here, and so does the reference page of errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code. `meaning` is what happened in general, its cause; `recommend` is the cure.

    `message` is how Message begins where the cloud fixed the words (contract, section 5); elsewhere it tells the
    meaning about the request at hand.
    """

    code: str
    status: int
    meaning: str
    recommend: str
    message: str = ""


_SIGN_AGAIN = (
    "Compare the string to sign with your own; use the SDK, and keep proxies from changing Host, path or query."
)

_TABLE: Final = (
    ErrorCode("MissingAccessKeyId", 400, "The request names no key.", "Create one with: housecall key create."),
    ErrorCode("InvalidAccessKeyId.NotFound", 404, "There is no such key.", "See the keys with: housecall key list."),
    ErrorCode("InvalidAccessKeyId.Inactive", 400, "The key is disabled.", "Use another key: housecall key create."),
    ErrorCode("SignatureDoesNotMatch", 400, "The secret did not sign this request.", _SIGN_AGAIN),
    ErrorCode("IncompleteSignature", 400, "A part of the signature is missing or ill-formed.", _SIGN_AGAIN),
    ErrorCode("InvalidSignatureMethod", 400, "The signature method is not supported.", "Sign with ACS3-HMAC-SHA256."),
    ErrorCode("SignatureNonceUsed", 400, "The nonce was used already.", "Sign every attempt with a fresh nonce."),
    ErrorCode("InvalidTimeStamp.Expired", 400, "The request is older or newer than 15 minutes.", "Set the clock."),
    ErrorCode("InvalidTimeStamp.Format", 400, "The time is ill-formed.", "Write UTC as 2026-01-31T12:00:00Z."),
    ErrorCode(
        "MissingSecurityToken", 400, "A temporary key came without its token.", "Send the SecurityToken of AssumeRole."
    ),
    ErrorCode("InvalidSecurityToken.Expired", 400, "The temporary key is over its time.", "Call AssumeRole again."),
    ErrorCode(
        "InvalidSecurityToken.Malformed", 400, "This is no security token.", "Send the SecurityToken of AssumeRole."
    ),
    ErrorCode(
        "InvalidSecurityToken.MismatchWithAccessKey",
        400,
        "The security token belongs to another key, or the key is no temporary one.",
        "Send key, secret and token of one AssumeRole, or a lasting key without a token.",
    ),
    ErrorCode("InvalidBearerToken", 400, "The bearer token is unknown or disabled.", "Ask who gave it for a new one."),
    ErrorCode("UserNotFound", 404, "The user of the key is gone.", "Use the key of a user that exists."),
    ErrorCode("NoPermission", 403, "A policy does not allow this.", "Ask for a policy that allows the action."),
    ErrorCode(
        "MalformedPolicyDocument", 400, "A policy is not what policies are.", "Correct the place that Message names."
    ),
    ErrorCode("EntityNotExist.Account", 404, "No such account.", "See: housecall account list."),
    ErrorCode("EntityNotExist.User", 404, "No such user in this account.", "List them: ListUsers."),
    ErrorCode("EntityNotExist.Group", 404, "No such group in this account.", "List them: ListGroups."),
    ErrorCode("EntityNotExist.Role", 404, "No such role in this account.", "List them: ListRoles."),
    ErrorCode("EntityNotExist.Policy", 404, "No such policy in this account.", "List them: ListPolicies."),
    ErrorCode("EntityAlreadyExists.Account", 409, "The account's name is taken.", "Choose another name."),
    ErrorCode("EntityAlreadyExists.User", 409, "The user's name is taken.", "Choose another name."),
    ErrorCode("EntityAlreadyExists.Group", 409, "The group's name is taken.", "Choose another name."),
    ErrorCode("EntityAlreadyExists.Role", 409, "The role's name is taken.", "Choose another name."),
    ErrorCode("EntityAlreadyExists.Policy", 409, "The policy's name is taken.", "Choose another name."),
    ErrorCode("DeleteConflict.Policy", 409, "The policy is attached.", "Detach it everywhere first."),
    ErrorCode("DeleteConflict.User.Root", 409, "The root user cannot be removed.", "Disable its keys instead."),
    ErrorCode("LimitExceeded.User", 409, "The account has all the users it may.", "Remove one first."),
    ErrorCode("LimitExceeded.Group", 409, "The account has all the groups it may.", "Remove one first."),
    ErrorCode("LimitExceeded.Role", 409, "The account has all the roles it may.", "Remove one first."),
    ErrorCode("LimitExceeded.Policy", 409, "The account has all the policies it may.", "Remove one first."),
    ErrorCode("LimitExceeded.Attachment", 409, "Too many policies for one.", "Put statements into fewer policies."),
    ErrorCode("LimitExceeded.User.AccessKey", 409, "The user has two keys.", "Delete the one that is not used."),
    ErrorCode("InvalidAction.NotFound", 404, "There is no such operation or path.", "Send x-acs-action and POST to /."),
    ErrorCode("InvalidVersion", 400, "The version is another API's.", "Send x-acs-version: 2025-05-07."),
    ErrorCode("InvalidParameter", 400, "A parameter cannot be read.", "Correct the parameter that Message names."),
    ErrorCode("MissingParameter", 400, "A mandatory parameter is missing.", "Send the parameter; also Missing<Name>."),
    ErrorCode("InvalidRequest", 400, "This is not HTTP/1.1 as it should be.", "Use an HTTP client library."),
    ErrorCode(
        "PermissionDenied",
        400,
        "No valid order found or permission denied.",
        "The account has no valid plan; the operator can give it one.",
    ),
    ErrorCode(
        "TooManyRequests",
        429,
        "The plan's number of concurrent questions is reached.",
        "Wait for a running answer to end, or raise the plan's concurrency.",
    ),
    ErrorCode("MoQuotaExceeded", 429, "The plan's tokens are used up.", "Raise the plan's token quota."),
    ErrorCode("ConversationNotFound", 404, "No such conversation for this caller.", "List them: GetConversations."),
    ErrorCode("MessageNotFound", 404, "No such message for this caller.", "List them: GetMessages."),
    ErrorCode("TaskNotFound", 404, "No such run for this caller.", "Take the TaskId from an event of the stream."),
    ErrorCode("InstanceNotFound", 404, "No such instance for this caller.", "See: housecall instance list."),
    ErrorCode(
        "CustomAgentNotFound", 404, "No such custom agent for this caller.", "List them: ListCustomAgent; or name none."
    ),
    ErrorCode("SkillNotFound", 404, "No such skill for this caller.", "List them: ListSkill."),
    ErrorCode("SkillAlreadyExists", 409, "The skill's name is taken.", "Choose another Name, or change that skill."),
    ErrorCode("FileNotFound", 404, "No such uploaded file for this caller.", "Upload it with UploadFile."),
    ErrorCode("FileTooLarge", 413, "The file is too large.", "Send a part of it, or raise HOUSECALL_FILE_MAX_BYTES."),
    ErrorCode("UnsupportedFileType", 415, "The file is of no kind that is read.", "Send text, a log or an image."),
    ErrorCode(
        "FileQuotaExceeded",
        429,
        "The account's files take all the room they may.",
        "Delete files or conversations with files, or raise HOUSECALL_FILE_QUOTA_BYTES.",
    ),
    ErrorCode(
        "InstanceAlreadyExists", 409, "The id is taken.", "Choose another InstanceId, or change it with ModifyInstance."
    ),
    ErrorCode("ConversationRunning", 409, "An answer is still being written.", "Stop it with ChatMessagesTaskStop."),
    ErrorCode("ApprovalNotFound", 404, "No such call for this caller.", "List them: DescribeToolApprovals."),
    ErrorCode("ApprovalAlreadyDecided", 409, "The call was decided before.", "Read it: DescribeToolApprovals."),
    ErrorCode("ApprovalExpired", 409, "Nobody decided in time.", "Ask for the change again."),
    ErrorCode("ApprovalPending", 409, "Calls of the round wait.", "Decide on each with SubmitToolApproval first."),
    ErrorCode("ApprovalAlreadyResumed", 409, "The answer went on already.", "Read it with GetMessages."),
    ErrorCode("UnsupportedHTTPMethod", 405, "The path does not take this method.", "Use a method named in Allow."),
    ErrorCode("RequestTimeout", 408, "The body did not arrive in time.", "Send the request again."),
    ErrorCode(
        "RequestEntityTooLarge", 413, "The request is too large.", "Shorten it, or raise HOUSECALL_MAX_REQUEST_BYTES."
    ),
    ErrorCode(
        "RequestURITooLarge",
        414,
        "The URL with its parameters is too long.",
        "Shorten the text, or raise HOUSECALL_MAX_REQUEST_BYTES.",
    ),
    ErrorCode("UnsupportedMediaType", 415, "The body is neither form nor JSON.", "Set Content-Type: application/json."),
    ErrorCode("RequestHeaderTooLarge", 431, "The headers are too long.", "Send fewer and shorter headers."),
    ErrorCode("InternalError", 500, "Housecall failed.", "Look for the request id in the server's log."),
    ErrorCode("ModelError", 502, "The language model failed.", "Check the model's settings with: housecall doctor."),
    ErrorCode("InstanceError", 502, "The instance failed.", "Test it with: housecall instance test."),
    ErrorCode("InstanceUnreachable", 502, "The instance does not answer.", "Check address, firewall and server."),
    ErrorCode("InstanceRefused", 502, "The instance refused the login.", "Check user, password, database and TLS."),
    ErrorCode("InstanceTooOld", 502, "The instance's version is too old.", "Upgrade it; the message names the oldest."),
    ErrorCode("InstanceBusy", 503, "The instance has no connection left.", "Free a connection, or raise its limit."),
    ErrorCode("InstanceTimeout", 504, "The instance was too slow.", "Look at its load; ask again."),
    ErrorCode("StatementRefused", 400, "The guard refused a statement.", "Send a single statement that only reads."),
    ErrorCode("StatementFailed", 400, "The instance rejected a statement.", "Correct the statement."),
    ErrorCode("ServiceUnavailable", 503, "The state store or this server is not ready.", "See GET /health; try again."),
)

_MESSAGES: Final = {
    "MissingAccessKeyId": "AccessKeyId is mandatory for this action.",
    "InvalidAccessKeyId.NotFound": "Specified access key is not found",
    "InvalidAccessKeyId.Inactive": "Specified access key is disabled",
    "SignatureDoesNotMatch": "Specified signature is not matched with our calculation.",
    "IncompleteSignature": "The request signature does not conform to Aliyun standards.",
    "SignatureNonceUsed": "Specified signature nonce was used already.",
    "InvalidTimeStamp.Expired": "Specified time stamp or date value is expired.",
    "InvalidTimeStamp.Format": "Specified time stamp or date value is not well formatted.",
    "InvalidBearerToken": "Specified bearer token is not found.",
    "UserNotFound": "User does not exist.",
    "InvalidAction.NotFound": "Specified api is not found, please check your url and method.",
    "InvalidVersion": "Specified parameter Version is not valid.",
    "InvalidParameter": "The provided parameter is invalid.",
    "MissingParameter": 'The input parameter "<Name>" that is mandatory for processing this request is not supplied.',
    "PermissionDenied": "No valid order found or permission denied.",
    "TooManyRequests": "The current maximum concurrent requests have exceeded the threshold.",
    "UnsupportedHTTPMethod": "This http method is not supported.",
    "InternalError": "The request processing has failed due to some unknown error.",
}

ERROR_CODES: Final[Mapping[str, ErrorCode]] = {
    each.code: each if each.message else replace(each, message=_MESSAGES.get(each.code, each.meaning))
    for each in _TABLE
}

EDGE_CODES: Final = (
    *("InvalidParameter", "MissingParameter", "InvalidVersion", "InvalidRequest", "UnsupportedMediaType"),
    *("MissingAccessKeyId", "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "InvalidBearerToken"),
    *("SignatureDoesNotMatch", "IncompleteSignature", "InvalidSignatureMethod", "SignatureNonceUsed"),
    *("InvalidTimeStamp.Expired", "InvalidTimeStamp.Format", "InvalidSecurityToken.MismatchWithAccessKey"),
    *("UserNotFound", "NoPermission", "InvalidAction.NotFound", "UnsupportedHTTPMethod", "RequestTimeout"),
    *("RequestEntityTooLarge", "RequestURITooLarge", "RequestHeaderTooLarge", "InternalError", "ServiceUnavailable"),
)
"""What any operation may answer, beside its own codes."""


def find_error_code(code: str) -> ErrorCode | None:
    """The entry of a code; `Missing<Name>` is that of a missing parameter."""
    return ERROR_CODES.get(code) or (ERROR_CODES["MissingParameter"] if code.startswith("Missing") else None)


def recommendation(code: str) -> str:
    """What to do about an error of this code."""
    known = find_error_code(code)
    return known.recommend if known else ERROR_CODES["InternalError"].recommend


def failure_status(code: str) -> int:
    """The HTTP status for a run that failed with this code; whatever it is, it is not the caller's success."""
    known = ERROR_CODES.get(code)
    return known.status if known else 500
