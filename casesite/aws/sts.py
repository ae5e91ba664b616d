"""AWS STS: becoming the role of an account, and asking who one is."""

from typing import TYPE_CHECKING, Any

from .errors import Trace, translated

if TYPE_CHECKING:
    from .clients import Keys, Target


def assume_role(client: Any, target: "Target") -> "Keys":
    """A session of the account's role, one hour. Raises NotSent where the role can't be assumed."""
    from .clients import Keys

    params: dict[str, Any] = {"RoleArn": target.role_arn, "RoleSessionName": "casesite", "DurationSeconds": 3600}
    if target.external_id:
        params["ExternalId"] = target.external_id
    with translated(Trace("sts.AssumeRole")):
        found = client.assume_role(**params)["Credentials"]
    return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], found["Expiration"])


def caller_account(client: Any) -> str:
    """The 12 digits of the account that the client's credentials belong to."""
    with translated(Trace("sts.GetCallerIdentity")):
        return str(client.get_caller_identity()["Account"])
