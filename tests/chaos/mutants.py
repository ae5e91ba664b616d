"""Known mistakes that chaos must see: what a queue does that trusts its SDK, or the first look.

`python -m tests.chaos.mutants` runs chaos with each of them and ends with code 0 only if every one was seen.
Workers and dispatchers of such a run start here too: the mistake is made in their own process, before they work.
"""

from __future__ import annotations

import argparse
import os
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.chaos.runs import Options, run

SUBMISSIONS, KILLS, MINUTES = 120, 8, 4.0


def retry_on_timeout() -> None:
    """An answer that did not come is taken for a request that did not go, and sent again."""
    from casesite.aws import errors

    right = errors.classify

    def wrong(exc: Exception, trace: errors.Trace) -> errors.AwsError:
        found = right(exc, trace)
        if isinstance(found, errors.OutcomeUnknown) and not found.code:
            return errors.NotSent(
                found.text, cause=errors.Cause.CONNECTION, operation=found.operation, error_class=found.error_class
            )
        return found

    errors.classify = wrong


def sdk_retries() -> None:
    """The client is made as the SDK makes it when nobody says otherwise."""
    from botocore.config import Config

    from casesite.aws import clients

    clients.ONE_TRY = Config(connect_timeout=5, read_timeout=30)


def early_looks() -> None:
    """A look that finds nothing counts, though the case could still come, or be there and not be shown yet."""
    from casesite.delivery import reconcile

    def wrong(attempt: Any) -> int:
        return attempt.looks.filter(result=reconcile.LookResult.ABSENT).count()

    reconcile.counted_looks = wrong


def new_tokens() -> None:
    """Each time a Connect case is asked for, it is under a client token of its own: AWS takes a repeat for another case."""
    from casesite.delivery import connect_sending
    from casesite.submissions.models import Kind

    right = connect_sending._CALLS[Kind.CONNECT_CASE]

    def wrong(target: Any, keys: Any, region: str, params: dict[str, Any], trace: Any) -> str:
        return right(target, keys, region, params | {"clientToken": str(uuid4())}, trace)

    connect_sending._CALLS[Kind.CONNECT_CASE] = wrong


@dataclass(frozen=True)
class Mutant:
    words: str
    make: Callable[[], None]


MUTANTS = {
    "retry-on-timeout": Mutant("sent again when no answer came in time", retry_on_timeout),
    "sdk-retries": Mutant("the SDK's default retries", sdk_retries),
    "early-looks": Mutant("negative looks count before they prove anything", early_looks),
    "new-tokens": Mutant("a Connect request repeated under a new client token", new_tokens),
}


def become(name: str, command: list[str]) -> None:
    """Be that command line (`python ...`) in this process, with the mistake made."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casesite.settings")
    import django

    django.setup()
    MUTANTS[name].make()
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MUTANT", help=f"of {', '.join(MUTANTS)}; all, if none is named")
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--submissions", type=int, default=SUBMISSIONS)
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(MUTANTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    unseen = []
    for name in given.names or MUTANTS:
        print(f"--- {name}: {MUTANTS[name].words}", flush=True)
        options = Options(given.database, given.seed, given.submissions, KILLS, MINUTES, mutation=name)
        report = run(options, say=lambda text: print(text, flush=True))
        print(report.as_words(), flush=True)
        found = {about: len(sentences) for about, sentences in report.findings.items() if sentences}
        told = ", ".join(f"{number} {about}" for about, number in found.items())
        print(f"--- {name}: {f'SEEN: {told}' if found else 'NOT SEEN'}", flush=True)
        unseen += [] if found else [name]
    return 1 if unseen else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-process"]:
        become(sys.argv[2], sys.argv[3:])
    else:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.exit(main())
