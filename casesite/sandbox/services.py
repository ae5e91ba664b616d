"""What a simulated service is: a botocore model, a wire, and a handler for each operation it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from casesite.sandbox.identity import Caller
from casesite.sandbox.messages import AwsError
from casesite.sandbox.protocol import NO_OPERATION, WIRES
from casesite.sandbox.state import Account, State

DRY_RUN = AwsError("DryRunOperationException", "The request would have succeeded, but it was sent as a dry run.")


@dataclass(frozen=True, slots=True)
class Call:
    """One operation asked for: by whom, in which account, with which checked parameters, at which `url` of ours."""

    state: State
    caller: Caller
    account: Account
    params: Mapping[str, Any]
    url: str

    def end_of_checks(self) -> None:
        """A dry run goes this far and no further; AWS tells its success by an exception."""
        if self.params.get("dryRun"):
            raise DRY_RUN


Handler = Callable[[Call], Mapping[str, Any]]
Parameters = Mapping[str, Any]


def _own_account(operation: str, params: Parameters, caller: Caller) -> str:
    return caller.account_id


class Service:
    """A service of the simulator. `name` is botocore's, and so is the model."""

    def __init__(
        self,
        name: str,
        handlers: Mapping[str, Handler],
        *,
        rate_limited: bool = False,
        open_to_all: frozenset[str] = frozenset(),
        actions: Mapping[str, tuple[str, ...]] | None = None,
        account_of: Callable[[str, Parameters, Caller], str] = _own_account,
    ) -> None:
        self.name = name
        self.model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
        self.signing_name = self.model.signing_name
        self.wire = WIRES[self.model.metadata["protocol"]](self.model)
        self.rate_limited = rate_limited
        self.open_to_all = open_to_all
        self.actions = actions or {}
        self.account_of = account_of
        self._handlers = handlers
        self._operation_model = cache(self.model.operation_model)

    def permissions(self, operation: str) -> list[str]:
        """What a policy must allow for an operation: mostly the action of the same name."""
        if operation in self.open_to_all:
            return []
        return [f"{self.signing_name}:{action}" for action in self.actions.get(operation, (operation,))]

    def handler(self, operation: str) -> tuple[OperationModel, Handler]:
        handler = self._handlers.get(operation)
        if handler is None:
            raise NO_OPERATION
        return self._operation_model(operation), handler
