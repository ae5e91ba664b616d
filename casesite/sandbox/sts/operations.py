"""AssumeRole and GetCallerIdentity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casesite.sandbox.identity import ROLE_ARN, Caller, start_session
from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call, Handler, Parameters

DEFAULT_SECONDS = 3600
LONGEST_CHAINED = 3600


def account_of(operation: str, params: Parameters, caller: Caller) -> str:
    """AssumeRole concerns the role's account; all else the caller's own."""
    role = ROLE_ARN.fullmatch(str(params.get("RoleArn", ""))) if operation == "AssumeRole" else None
    return role["account"] if role else caller.account_id


def assume_role(call: Call) -> dict[str, Any]:
    """Hand out temporary credentials. A role declared on its account demands the external id declared with it."""
    role_arn, seconds = call.params["RoleArn"], call.params.get("DurationSeconds", DEFAULT_SECONDS)
    if ROLE_ARN.fullmatch(role_arn) is None:
        raise AwsError("ValidationException", f"{role_arn} is invalid")
    if call.caller.from_role and seconds > LONGEST_CHAINED:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise AwsError("ValidationException", message)
    declared = call.account.external_id if call.account.role_arn == role_arn else None
    if declared is not None and call.params.get("ExternalId") != declared:
        message = f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise AwsError("AccessDeniedException", message, 403)
    session = start_session(call.state, role_arn, call.params["RoleSessionName"], seconds)
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": datetime.fromtimestamp(session.expires_at, UTC),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": 0,
    }


def get_caller_identity(call: Call) -> dict[str, Any]:
    return {"UserId": call.caller.user_id, "Account": call.caller.account_id, "Arn": call.caller.arn}


HANDLERS: dict[str, Handler] = {"AssumeRole": assume_role, "GetCallerIdentity": get_caller_identity}
