"""The front door for AWS's own API: who calls, what for, may they, and then the service's handler."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel

from casesite.sandbox import journal
from casesite.sandbox.connect_cases import demo
from casesite.sandbox.exchange import Exchanges
from casesite.sandbox.faults import THROTTLED
from casesite.sandbox.identity import Caller, caller_of
from casesite.sandbox.journal import Entry
from casesite.sandbox.limits import CallRates
from casesite.sandbox.messages import Answer, AwsError, Broken, Request, json_answer
from casesite.sandbox.protocol import Wire
from casesite.sandbox.services import Call, Handler, Service, check_allowed
from casesite.sandbox.shapes import checked
from casesite.sandbox.signature import check_age, check_signature, claim_of
from casesite.sandbox.state import State

LATENCY_OF = ("support.CreateCase", "connectcases.CreateCase")


@dataclass(frozen=True, slots=True)
class WireVoice:
    """Tells errors as a service's protocol does."""

    wire: Wire
    request_id: str

    def dialect(self, error: AwsError) -> AwsError:
        return self.wire.dialect(error)

    def error(self, error: AwsError) -> Answer:
        return self.wire.error(error, self.request_id)


@dataclass(slots=True)
class AskedOperation:
    """An operation asked for: service, caller, and the parameters as they came."""

    service: Service
    operation: OperationModel
    handler: Handler
    caller: Caller
    params: dict[str, Any]
    account_id: str
    entry: Entry
    voice: WireVoice
    check: Callable[[AskedOperation, bool], Call]
    call: Call = field(init=False)

    @property
    def action(self) -> str:
        return f"{self.service.name}.{self.operation.name}"

    def admit(self, *, counts: bool) -> None:
        self.call = self.check(self, counts)

    def carry_out(self) -> Answer:
        output = self.handler(self.call)
        self.entry.case_id = output.get("caseId") or self.call.params.get("caseId")
        return self._answer(output)

    def abandon(self) -> None:
        """Nothing was taken in yet that would have to go."""

    def stand_in(self) -> Answer:
        made_up = self._answer({})
        return Answer(200, made_up.body or b"{}", made_up.headers)

    def _answer(self, output: Any) -> Answer:
        return self.service.wire.answer(self.operation, output, self.voice.request_id)


class Aws:
    """Answers requests as AWS would, or as the faults switched on would have it."""

    def __init__(self, exchanges: Exchanges, state: State, services: Iterable[Service]) -> None:
        self.state = state
        self.faults = exchanges.faults
        self.rates = CallRates()
        self._exchanges = exchanges
        self._services = {service.signing_name: service for service in services}

    def answer(self, request: Request) -> Answer | Broken:
        entry = journal.entry_for(request, self.state.now())
        service = self._addressed(request)
        if service is None:
            journal.write(self.state, entry)
            unknown = {
                "__type": "MissingAuthenticationTokenException",
                "message": "Not signed for a service known here.",
            }
            return json_answer(unknown, 403)
        voice = WireVoice(service.wire, str(uuid.uuid4()))
        try:
            asked = self._understand(service, request, entry, voice)
        except AwsError as error:
            return self._exchanges.refuse(voice, error, entry)
        return self._exchanges.answer(asked)

    def service_named(self, name: str) -> Service | None:
        return next((service for service in self._services.values() if service.name == name), None)

    def reset(self) -> None:
        """Forget everything but what stands there at the start; calls still held back are dropped."""
        self.state.reset()
        demo.furnish(self.state)
        self._exchanges.reset()
        self.rates.clear()

    def _addressed(self, request: Request) -> Service | None:
        """The service named in the signature's scope: it decides which protocol the request is in."""
        try:
            return self._services.get(claim_of(request).service)
        except AwsError:
            target = request.headers.get("x-amz-target")
            return self._services["support" if target else "sts"]

    def _understand(self, service: Service, request: Request, entry: Entry, voice: WireVoice) -> AskedOperation:
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
        url = f"http://{request.headers.get('host', '')}"

        def check(asked: AskedOperation, counts: bool) -> Call:
            return self._check(asked, url, claim.region, counts)

        return AskedOperation(service, operation, handler, caller, params, entry.account, entry, voice, check)

    def _check(self, asked: AskedOperation, url: str, region: str, counts: bool) -> Call:
        """Rate (if the call `counts`), permission, then parameters, in the order in which AWS seems to look at them."""
        service, name = asked.service, asked.operation.name
        account = self.state.account(asked.account_id)
        settings = self.state.settings
        rate = service.rate_of(settings, account, region, name) if counts else None
        if rate is not None and not self.rates.take(rate):
            raise THROTTLED
        for action in service.permissions(name):
            check_allowed(asked.caller, account, action)
        params = checked(asked.params, asked.operation.input_shape)
        if asked.action in LATENCY_OF and not asked.entry.dry_run:
            self._exchanges.pause(settings.create_case_latency)
        return Call(self.state, asked.caller, account, params, url, region, name)
