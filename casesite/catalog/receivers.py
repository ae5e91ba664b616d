"""A new account, or one whose settings changed, is checked at once."""

from typing import Any

from django.db import transaction

from casesite.teams.models import AwsAccount, CheckResult

from . import questions


def check_changed_account(instance: AwsAccount, raw: bool = False, **_kwargs: Any) -> None:
    """Ask after the commit; were that to fail, the dispatcher's next minute asks."""
    if raw or not instance.active or not _needs_check(instance):
        return
    transaction.on_commit(lambda: questions.ask_check(instance), robust=True)


def _needs_check(account: AwsAccount) -> bool:
    if account.check_result == CheckResult.NONE:
        return True
    changed, checked = account.settings_changed_at, account.checked_at
    return changed is not None and checked is not None and changed > checked
