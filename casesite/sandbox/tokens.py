"""Client tokens: a call repeated with its token is answered as before, and is not carried out again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from casesite.sandbox.messages import AwsError
from casesite.sandbox.state import State


def once(
    state: State,
    domain_id: str,
    operation: str,
    token: str | None,
    params: Mapping[str, Any],
    deed: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """The answer of `deed`, or the one remembered for this token. A refused call is not remembered.

    The same token over other parameters is a conflict; the order of lists counts.
    """
    if not token:
        return deed()
    before = state.now() - state.settings.client_token_lifetime / state.settings.time_scale
    state.execute("DELETE FROM client_token WHERE at < ?", before)
    content = _digest(params)
    where = (domain_id, operation, token)
    rows = state.query("SELECT * FROM client_token WHERE domain_id = ? AND operation = ? AND token = ?", *where)
    if not rows:
        answer = deed()
        state.execute(
            "INSERT INTO client_token VALUES (?, ?, ?, ?, ?, ?)", *where, content, json.dumps(answer), state.now()
        )
        return answer
    if rows[0]["content"] != content:
        raise AwsError("ConflictException", "The client token was used with other parameters.", 409)
    remembered: dict[str, Any] = json.loads(rows[0]["answer"])
    return remembered


def _digest(params: Mapping[str, Any]) -> str:
    content = {name: value for name, value in params.items() if name not in ("clientToken", "ClientToken")}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
