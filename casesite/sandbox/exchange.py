"""Carries understood requests out, lets the faults switched on have their way, and keeps the journal."""

from __future__ import annotations

import threading
from typing import Protocol

from casesite.sandbox import faults, journal
from casesite.sandbox.faults import Fault, Faults, Kind
from casesite.sandbox.journal import Entry
from casesite.sandbox.messages import Answer, AwsError, Broken, Ending
from casesite.sandbox.services import DRY_RUN
from casesite.sandbox.state import State


class Voice(Protocol):
    """How errors are told to whoever asked."""

    def dialect(self, error: AwsError) -> AwsError:
        """The same error by the name it has there."""
        ...

    def error(self, error: AwsError) -> Answer: ...


class Asked(Protocol):
    """A request understood: what it asks, whose account it concerns, how to carry it out and how to answer."""

    @property
    def action(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def entry(self) -> Entry: ...

    @property
    def voice(self) -> Voice: ...

    def admit(self, *, counts: bool) -> None:
        """Check all that comes before the deed. A call that comes late does not count toward rates again."""
        ...

    def carry_out(self) -> Answer:
        """The deed, within a transaction, and its proper answer."""
        ...

    def abandon(self) -> None:
        """It will not be carried out."""
        ...

    def stand_in(self) -> Answer:
        """A blank HTTP 200, for faults that change an answer where there is none."""
        ...


class Exchanges:
    """One for the whole simulator."""

    def __init__(self, state: State) -> None:
        self.faults = Faults(state)
        self.stopping = threading.Event()
        self._state = state
        self._generation = 0

    def answer(self, asked: Asked) -> Answer | Broken:
        fault = self.faults.take(asked.action, asked.account_id, "before", dry_run=asked.entry.dry_run)
        return self._perform(asked) if fault is None else self._struck_before(asked, fault)

    def refuse(self, voice: Voice, error: AwsError, entry: Entry) -> Answer:
        error = voice.dialect(error)
        if entry.outcome == "refused" and error.code == DRY_RUN.code:
            entry.outcome = "ok"
        entry.error_code, entry.http_status = error.code, error.status
        journal.write(self._state, entry)
        return voice.error(error)

    def reset(self) -> None:
        """Forget the faults; calls still held back are dropped."""
        self._generation += 1
        self.faults.reload()

    def pause(self, seconds: float) -> None:
        """Wait, but never longer than the simulator runs."""
        if seconds > 0:
            self.stopping.wait(seconds)

    def _struck_before(self, asked: Asked, fault: Fault) -> Answer | Broken:
        asked.entry.outcome = fault.fault.value
        if fault.fault is Kind.SLOW:
            return self._slowly(asked, fault)
        if fault.fault is Kind.LATE:
            return self._late(asked, fault)
        asked.abandon()
        return self._strike(asked, fault, asked.stand_in())

    def _perform(self, asked: Asked) -> Answer | Broken:
        """Carry the call out, and let a fault meant for afterwards strike if it succeeded."""
        entry = asked.entry
        late = entry.outcome == Kind.LATE
        try:
            asked.admit(counts=not late)
            with self._state.transaction():
                proper = asked.carry_out()
                fault = self.faults.take(asked.action, asked.account_id, "after", dry_run=entry.dry_run)
                entry.executed, entry.http_status = True, None if late else 200
                entry.outcome = fault.fault.value if fault else "ok" if entry.outcome == "refused" else entry.outcome
                journal.write(self._state, entry)
        except AwsError as error:
            asked.abandon()
            return self.refuse(asked.voice, error, entry)
        return proper if fault is None else self._strike(asked, fault, proper)

    def _strike(self, asked: Asked, fault: Fault, proper: Answer) -> Answer | Broken:
        """Let the fault have its way. It stands in the journal before anybody waits for it."""
        entry, voice = asked.entry, asked.voice
        entry.error_code, entry.http_status = None, None

        def as_answer(error: AwsError) -> Answer:
            error = error if fault.fault is Kind.ERROR else voice.dialect(error)
            entry.error_code = error.code
            return voice.error(error)

        if fault.fault is Kind.HANG:
            journal.write(self._state, entry)
            return faults.outcome(fault, proper, as_answer, self.pause)
        result = faults.outcome(fault, proper, as_answer, self.pause)
        entry.http_status = (
            result.status if isinstance(result, Answer) else 200 if result.ending is Ending.CUT else None
        )
        journal.write(self._state, entry)
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
        journal.write(self._state, asked.entry)
        held = threading.Thread(target=self._carry_out_later, args=(asked, fault.span, self._generation), daemon=True)
        held.start()
        if fault.when == "after":
            held.join()
        return Broken(Ending.DROP)

    def _carry_out_later(self, asked: Asked, seconds: float, generation: int) -> None:
        self.pause(seconds)
        if self.stopping.is_set() or generation != self._generation:
            asked.abandon()
        else:
            self._perform(asked)
