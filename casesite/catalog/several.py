"""Doing the same for several accounts in a command's own process. Each account waits at its own gate, so they go side by side."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from django.core.management.base import CommandError
from django.db import connection

from casesite.aws.errors import AwsError
from casesite.lookups.words import explain
from casesite.pacing.gate import GateClosed
from casesite.teams.models import AwsAccount

AT_ONCE = 8
Report = tuple[AwsAccount, bool, str]  # whether it went well, and a line for people


def chosen(account_ids: Iterable[str]) -> list[AwsAccount]:
    """The accounts named by their 12 digits; all active ones where none is named."""
    names = [account_id.replace(" ", "").replace("-", "") for account_id in account_ids]
    if not names:
        return list(AwsAccount.objects.filter(active=True))
    found = {account.account_id: account for account in AwsAccount.objects.filter(account_id__in=names)}
    if missing := [name for name in names if name not in found]:
        raise CommandError(f"No such account here: {', '.join(missing)}. Add it with add_account.")
    return [found[name] for name in dict.fromkeys(names)]


def report_each(accounts: list[AwsAccount], work: Callable[[AwsAccount], tuple[bool, str]]) -> Iterator[Report]:
    """Do the work for each and report in the order given. Trouble with AWS is a report, too."""

    def reported(account: AwsAccount) -> Report:
        try:
            return (account, *work(account))
        except (AwsError, GateClosed) as exc:
            return account, False, str(explain(exc))

    if len(accounts) < 2:
        yield from map(reported, accounts)
        return

    def in_a_thread(account: AwsAccount) -> Report:
        try:
            return reported(account)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(in_a_thread, accounts)
