"""The front door for AWS's own API: who calls, what for, may they, is a fault due, and then the service's handler."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel

from casesite.sandbox import faults, journal
from casesite.sandbox.faults import THROTTLED, Fault, Faults, Kind
from casesite.sandbox.identity import Caller, caller_of
from casesite.sandbox.journal import Entry
from casesite.sandbox.limits import CallRates
from casesite.sandbox.messages import Answer, AwsError, Broken, Ending, Request, json_answer
from casesite.sandbox.services import DRY_RUN, Call, Handler, Service
from casesite.sandbox.shapes import checked
from casesite.sandbox.signature import check_age, check_signature, claim_of
from casesite.sandbox.state import State

LATENCY_OF = "support.CreateCase"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request understood: service, operation, caller, and the parameters as they came."""

    service: Service
    operation: OperationModel
    handler: Handler
    caller: Caller
    params: dict[str, Any]
    account_id: str
    entry: Entry
    request_id: str

    @property
    def action(self) -> str:
        return f"{self.service.name}.{self.operation.name}"


class Aws:
    """Answers requests as AWS would, or as the faults switched on would have it."""

    def __init__(self, state: State, services: Iterable[Service]) -> None:
        self.state = state
        self.faults = Faults(state)
        self.rates = CallRates()
        self.stopping = threading.Event()
        self._services = {service.signing_name: service for service in services}
        self._generation = 0

    def answer(self, request: Request) -> Answer | Broken:
        entry = journal.entry_for(request, self.state.now())
        request_id = str(uuid.uuid4())
        service = self._addressed(request)
        if service is None:
            journal.write(self.state, entry)
            unknown = {
                "__type": "MissingAuthenticationTokenException",
                "message": "Not signed for a service known here.",
            }
            return json_answer(unknown, 403)
        try:
            asked = self._understand(service, request, entry, request_id)
        except AwsError as error:
            return self._refuse(service, error, entry, request_id)
        fault = self.faults.take(asked.action, asked.account_id, "before", dry_run=entry.dry_run)
        return self._perform(asked) if fault is None else self._struck_before(asked, fault)

    def reset(self) -> None:
        """Forget everything; calls still held back are dropped."""
        self._generation += 1
        self.state.reset()
        self.faults.reload()
        self.rates.clear()

    def pause(self, seconds: float) -> None:
        """Wait, but never longer than the simulator runs."""
        if seconds > 0:
            self.stopping.wait(seconds)

    def _addressed(self, request: Request) -> Service | None:
        """The service named in the signature's scope: it decides which protocol the request is in."""
        try:
            return self._services.get(claim_of(request).service)
        except AwsError:
            target = request.headers.get("x-amz-target")
            return self._services["support" if target else "sts"]

    def _understand(self, service: Service, request: Request, entry: Entry, request_id: str) -> Asked:
        name = service.wire.operation_name(request)
        entry.operation = f"{service.name}.{name}"[:100]
        claim = claim_of(request)
        entry.access_key_id = claim.access_key_id
        caller, secret = caller_of(self.state, claim, request)
        entry.account = caller.account_id
        check_age(request, claim, self.state.now(), self.state.settings.validity)
        check_signature(request, claim, secret)
        operation, handler = service.handler(name)
        params = service.wire.parameters(request, operation)
        entry.dry_run = params.get("dryRun") is True
        entry.account = service.account_of(name, params, caller)
        return Asked(service, operation, handler, caller, params, entry.account, entry, request_id)

    def _struck_before(self, asked: Asked, fault: Fault) -> Answer | Broken:
        asked.entry.outcome = fault.fault.value
        if fault.fault is Kind.SLOW:
            return self._slowly(asked, fault)
        if fault.fault is Kind.LATE:
            return self._late(asked, fault)
        made_up = asked.service.wire.answer(asked.operation, {}, asked.request_id)
        stand_in = Answer(200, made_up.body or b"{}", made_up.headers)
        return self._strike(asked, fault, stand_in)

    def _perform(self, asked: Asked) -> Answer | Broken:
        """Carry the call out, and let a fault meant for afterwards strike if it succeeded."""
        entry, wire = asked.entry, asked.service.wire
        late = entry.outcome == Kind.LATE
        try:
            call = self._admit(asked, counts=not late)
            if asked.action == LATENCY_OF and not entry.dry_run:
                self.pause(self.state.settings.create_case_latency)
            with self.state.transaction():
                output = asked.handler(call)
                fault = self.faults.take(asked.action, asked.account_id, "after", dry_run=entry.dry_run)
                entry.executed, entry.http_status = True, None if late else 200
                entry.outcome = fault.fault.value if fault else "ok" if entry.outcome == "refused" else entry.outcome
                entry.case_id = output.get("caseId") or call.params.get("caseId")
                journal.write(self.state, entry)
        except AwsError as error:
            return self._refuse(asked.service, error, entry, asked.request_id)
        proper = wire.answer(asked.operation, output, asked.request_id)
        return proper if fault is None else self._strike(asked, fault, proper)

    def _admit(self, asked: Asked, *, counts: bool) -> Call:
        """Rate (if the call `counts`), permission, then parameters, in the order in which AWS seems to look at them."""
        service, name = asked.service, asked.operation.name
        account = self.state.account(asked.account_id)
        settings = self.state.settings
        per_second = settings.calls_per_second if account.calls_per_second is None else account.calls_per_second
        if counts and service.rate_limited and not self.rates.take(account.account_id, per_second):
            raise THROTTLED
        action = f"{service.signing_name}:{name}"
        denied = {action, f"{service.signing_name}:*"} & set(account.denied)
        if denied and name not in service.open_to_all:
            message = f"User: {asked.caller.arn} is not authorized to perform: {action}"
            raise AwsError("AccessDeniedException", message, 403)
        return Call(self.state, asked.caller, account, checked(asked.params, asked.operation.input_shape))

    def _refuse(self, service: Service, error: AwsError, entry: Entry, request_id: str) -> Answer:
        error = service.wire.dialect(error)
        if entry.outcome == "refused" and error.code == DRY_RUN.code:
            entry.outcome = "ok"
        entry.error_code, entry.http_status = error.code, error.status
        journal.write(self.state, entry)
        return service.wire.error(error, request_id)

    def _strike(self, asked: Asked, fault: Fault, proper: Answer) -> Answer | Broken:
        """Let the fault have its way. It stands in the journal before anybody waits for it."""
        wire, entry = asked.service.wire, asked.entry
        entry.error_code, entry.http_status = None, None

        def as_answer(error: AwsError) -> Answer:
            error = error if fault.fault is Kind.ERROR else wire.dialect(error)
            entry.error_code = error.code
            return wire.error(error, asked.request_id)

        if fault.fault is Kind.HANG:
            journal.write(self.state, entry)
            return faults.outcome(fault, proper, as_answer, self.pause)
        result = faults.outcome(fault, proper, as_answer, self.pause)
        entry.http_status = (
            result.status if isinstance(result, Answer) else 200 if result.ending is Ending.CUT else None
        )
        journal.write(self.state, entry)
        return result

    def _slowly(self, asked: Asked, fault: Fault) -> Answer | Broken:
        if fault.when == "before":
            self.pause(fault.span)
            return self._perform(asked)
        result = self._perform(asked)
        self.pause(fault.span)
        return result

    def _late(self, asked: Asked, fault: Fault) -> Broken:
        """Lose the client now (`before`) or when it is done (`after`); the call itself is carried out later."""
        asked.entry.outcome = fault.fault.value
        journal.write(self.state, asked.entry)
        held = threading.Thread(target=self._carry_out_later, args=(asked, fault.span, self._generation), daemon=True)
        held.start()
        if fault.when == "after":
            held.join()
        return Broken(Ending.DROP)

    def _carry_out_later(self, asked: Asked, seconds: float, generation: int) -> None:
        self.pause(seconds)
        if not self.stopping.is_set() and generation == self._generation:
            self._perform(asked)
