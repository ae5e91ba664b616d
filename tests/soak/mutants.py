"""Known mistakes that a soak must see.

`python -m tests.soak.mutants` makes each of them in a process of its own and ends with code 0 only if every one was seen.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos import mutants as of_chaos


def no_lease_check() -> None:
    """Whoever prepared a row commits its intent, though the row was lost meanwhile."""
    from django.db.models import F

    from casesite.delivery import sender
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    def wrong(*, pk: Any, token: int, until: Any) -> int:
        fields = {"state": State.SENDING, "token": F("token") + 1, "claims": 0, "lease_until": until}
        return Submission.objects.filter(pk=pk).update(**fields)

    sender._start_opening = sender._start_following = wrong


def late_success_lost() -> None:
    """What AWS answered is stored only while the row still waits for it."""
    from casesite.submissions import proven
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    right = proven.record_case

    def wrong(submission_id: Any, remote_id: str, **known: Any) -> State:
        state = State(Submission.objects.values_list("state", flat=True).get(pk=submission_id))
        return right(submission_id, remote_id, **known) if state == State.SENDING else state

    proven.record_case = wrong


def claim_without_comparing() -> None:
    """A row is found in one transaction and taken in the next, whatever became of it in between."""
    from django.db.models import F

    from casesite import clock
    from casesite.database import write
    from casesite.delivery import claim, process
    from casesite.pacing import times
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    def wrong(account_pk: int, region: str = "", *, probing: bool = False) -> Submission | None:
        with write():
            row = claim._first_due(account_pk, region, clock.now())
        if row is None:
            return None
        until = clock.now() + times.preparing_lease()
        with write():
            held = {"state": State.PREPARING, "lease_until": until, "lease_by": process.name()}
            Submission.objects.filter(pk=row.pk).update(token=F("token") + 1, claims=F("claims") + 1, **held)
        row.refresh_from_db()
        return row

    claim.claim_next = wrong


def lost_lease_resent() -> None:
    """A lease that ran out while sending is taken for a request that did not go."""
    from django.db.models import F

    from casesite import clock
    from casesite.database import write
    from casesite.delivery import dispatcher
    from casesite.delivery.models import Attempt, Outcome, Phase
    from casesite.submissions.models import Submission
    from casesite.submissions.states import State

    def wrong(*, all_of_them: bool = False) -> None:
        now = clock.now()
        for row in Submission.objects.filter(state=State.SENDING, lease_until__lte=now):
            with write():
                closed = {"phase": Phase.CLOSED, "outcome": Outcome.NOT_SENT, "closed_at": now}
                Attempt.objects.filter(submission=row, phase=Phase.OPEN).update(**closed)
                back = {"state": State.QUEUED, "token": F("token") + 1, "lease_until": None, "due_at": now}
                Submission.objects.filter(pk=row.pk, token=row.token).update(**back)

    dispatcher.expire_sending = wrong


def restore_without_doubt() -> None:
    """After a restore the database is believed."""
    from casesite.delivery import doubt

    doubt.mark = lambda: None


def refused_repeat_counts() -> None:
    """A refusal of a repeated Connect request is taken for one of the first."""
    from casesite.delivery import report

    report._is_repeat = lambda _row, _attempt: False


@dataclass(frozen=True)
class Mutant:
    words: str
    make: Callable[[], None]


MUTANTS = {
    **{name: Mutant(each.words, each.make) for name, each in of_chaos.MUTANTS.items()},
    "no-lease-check": Mutant("an intent that does not ask whether the row is still ours", no_lease_check),
    "late-success-lost": Mutant("a success that comes late is not merged", late_success_lost),
    "claim-without-comparing": Mutant("a claim without compare-and-set", claim_without_comparing),
    "lost-lease-resent": Mutant("a lost lease while sending counts as not sent", lost_lease_resent),
    "restore-without-doubt": Mutant("nothing is searched for after a restore", restore_without_doubt),
    "refused-repeat-counts": Mutant("a refusal of a Connect repeat counts", refused_repeat_counts),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MUTANT", help=f"of {', '.join(MUTANTS)}; all, if none is named")
    parser.add_argument("--examples", default="500", help="at most, for each mistake")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(MUTANTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    unseen = []
    for name in given.names or MUTANTS:
        command = [sys.executable, "-m", "tests.soak", "--mutation", name, "--examples", given.examples, "--no-shrink"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = [line for line in done.stdout.splitlines() if line.startswith("AssertionError")]
        seen = bool(told) and "The story:" in done.stdout
        steps = [line.partition(" in ")[0] for line in done.stdout.splitlines() if " steps in " in line]
        print(
            f"--- {name} ({MUTANTS[name].words}): {'SEEN' if seen else 'NOT SEEN'}, {' '.join(steps)}",
            *told[:1],
            sep="\n    ",
            flush=True,
        )
        unseen += [] if seen else [name]
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
