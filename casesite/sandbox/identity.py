"""Whose keys are these? Every account has keys of its own; AssumeRole hands out temporary ones."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from casesite.sandbox.messages import AwsError, Request
from casesite.sandbox.signature import Signed
from casesite.sandbox.state import State

OWN_KEY = re.compile(r"SANDBOXKEY(\d{12})")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[\w+=,.@-]+)")
FORGOTTEN_AFTER = 24 * 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, and in whose name it acts."""

    account_id: str
    arn: str
    user_id: str
    access_key_id: str
    from_role: bool

    @property
    def email(self) -> str:
        return f"aws-{self.account_id}@example.com"

    @property
    def label(self) -> str:
        """The caller as a case's correspondence names its author."""
        name = self.arn.split("/")[1]
        return f"{name} ({'Role' if self.from_role else 'User'}) <{self.email}>"


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Temporary credentials, as AssumeRole answers them."""

    access_key_id: str
    secret: str
    token: str
    arn: str
    user_id: str
    expires_at: float


def caller_of(state: State, claim: Signed, request: Request) -> tuple[Caller, str]:
    """The caller whom the claimed key belongs to, and the secret that must have signed."""
    token = request.headers.get("x-amz-security-token")
    own = OWN_KEY.fullmatch(claim.access_key_id)
    if own and token is None:
        account_id = own[1]
        arn = f"arn:aws:iam::{account_id}:user/sandbox"
        return Caller(account_id, arn, f"AIDASANDBOX{account_id}", own[0], False), f"sandbox-secret-{account_id}"
    rows = state.query("SELECT * FROM session WHERE access_key_id = ? AND token = ?", claim.access_key_id, token)
    if not rows:
        raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    session = rows[0]
    if session["expires_at"] <= state.now():
        raise AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
    caller = Caller(session["account_id"], session["arn"], session["user_id"], claim.access_key_id, True)
    return caller, session["secret"]


def start_session(state: State, role_arn: str, name: str, seconds: int) -> RoleSession:
    """Make temporary credentials for a role and remember them."""
    role = ROLE_ARN.fullmatch(role_arn)
    if role is None:
        raise AwsError("ValidationException", f"{role_arn} is invalid")
    account_id, now = role["account"], state.now()
    session = RoleSession(
        access_key_id=f"SANDBOXROLE{secrets.token_hex(8).upper()}",
        secret=secrets.token_urlsafe(30),
        token=f"sandbox-token-{secrets.token_urlsafe(48)}",
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role['name']}/{name}",
        user_id=f"AROASANDBOX{account_id}:{name}",
        expires_at=now + seconds,
    )
    state.account(account_id)
    state.execute("DELETE FROM session WHERE expires_at < ?", now - FORGOTTEN_AFTER)
    state.execute(
        "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(session.access_key_id, session.secret, session.token, account_id),
        *(session.arn, session.user_id, session.expires_at),
    )
    return session


def expire_sessions(state: State, account_id: str | None) -> int:
    """End the temporary credentials of an account, or all of them, now. Returns how many were alive."""
    now = state.now()
    alive = "expires_at > ?1 AND (?2 IS NULL OR account_id = ?2)"
    with state.transaction():
        count = int(state.query(f"SELECT count(*) AS n FROM session WHERE {alive}", now, account_id)[0]["n"])
        state.execute(f"UPDATE session SET expires_at = ?1 WHERE {alive}", now, account_id)
    return count
