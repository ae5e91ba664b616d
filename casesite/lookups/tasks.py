"""The bell for lookups."""

from celery import shared_task


@shared_task(name="lookups.answer", ignore_result=True)
def answer(account_pk: int) -> None:
    """Answer what is asked about one account."""
    from .answer import answer_open  # it knows AWS's errors, and the web process may import this module

    answer_open(account_pk)
