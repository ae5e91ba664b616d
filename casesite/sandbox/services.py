"""What a simulated service is: a botocore model, a wire, and a handler for each operation it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from casesite.sandbox.identity import Caller
from casesite.sandbox.limits import Rate
from casesite.sandbox.messages import AwsError
from casesite.sandbox.protocol import NO_OPERATION, JsonWire, QueryWire, Wire, errors_of, modelled_status
from casesite.sandbox.rest import RestJsonWire
from casesite.sandbox.state import Account, Settings, State

WIRES: dict[str, type[Wire]] = {"json": JsonWire, "query": QueryWire, "rest-json": RestJsonWire}
DRY_RUN = AwsError("DryRunOperationException", "The request would have succeeded, but it was sent as a dry run.")


@dataclass(frozen=True, slots=True)
class Call:
    """One `operation` asked for: by whom, in which account and region, with which checked parameters, at which `url` of ours."""

    state: State
    caller: Caller
    account: Account
    params: Mapping[str, Any]
    url: str
    region: str
    operation: str

    def must_allow(self, action: str) -> None:
        """Refuse where the account's policies deny an action that this call needs besides its own."""
        check_allowed(self.caller, self.account, action)

    def end_of_checks(self) -> None:
        """A dry run goes this far and no further; AWS tells its success by an exception."""
        if self.params.get("dryRun"):
            raise DRY_RUN


Handler = Callable[[Call], Mapping[str, Any]]
Parameters = Mapping[str, Any]
RateOf = Callable[[Settings, Account, str, str], Rate | None]


def check_allowed(caller: Caller, account: Account, action: str) -> None:
    if {action, f"{action.partition(':')[0]}:*"} & set(account.denied):
        message = f"User: {caller.arn} is not authorized to perform: {action}"
        raise AwsError("AccessDeniedException", message, 403)


def _own_account(operation: str, params: Parameters, caller: Caller) -> str:
    return caller.account_id


def _no_limit(settings: Settings, account: Account, region: str, operation: str) -> None:
    return None


class Service:
    """A service of the simulator. `name` is botocore's, and so is the model."""

    def __init__(
        self,
        name: str,
        handlers: Mapping[str, Handler],
        *,
        rate_of: RateOf = _no_limit,
        open_to_all: frozenset[str] = frozenset(),
        actions: Mapping[str, tuple[str, ...]] | None = None,
        account_of: Callable[[str, Parameters, Caller], str] = _own_account,
    ) -> None:
        self.name = name
        self.model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
        self.signing_name = self.model.signing_name
        self.wire = WIRES[self.model.metadata["protocol"]](self.model)
        self.rate_of = rate_of
        self.open_to_all = open_to_all
        self.actions = actions or {}
        self.account_of = account_of
        self._handlers = handlers
        self._operation_model = cache(self.model.operation_model)

    def modelled_status(self, code: str) -> int | None:
        """The HTTP status that the model gives an error."""
        return modelled_status(errors_of(self.model).get(code))

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
