"""What the dispatcher does about old questions."""

from datetime import timedelta

from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from casesite import clock
from casesite.database import write

from . import registry
from .models import Lookup, LookupState

GIVE_UP = timedelta(hours=1)  # an open question that no worker answered
KEEP_FAILED = timedelta(days=7)


def clean_up() -> int:
    """End questions that nobody answered for an hour and delete old ones; how many rows it touched.

    The newest answer of each question stays however old it is: it is better than none while AWS can't be reached. Not so
    those of questions that say how long theirs are kept.
    """
    return end_unanswered() + delete_old()


def end_unanswered() -> int:
    now = clock.now()
    with write():
        return (
            Lookup.objects.open()
            .filter(asked_at__lt=now - GIVE_UP)
            .update(
                state=LookupState.FAILED,
                error=_("No worker answered for an hour. Ask again."),
                answered_at=now,
                lease_until=None,
            )
        )


def delete_old() -> int:
    now = clock.now()
    same = Lookup.objects.filter(account=OuterRef("account"), kind=OuterRef("kind"), key=OuterRef("key"))
    newest = Subquery(same.filter(state=OuterRef("state")).order_by("-pk").values("pk")[:1])
    with write():
        expired = Lookup.objects.filter(state=LookupState.ANSWERED, expires_at__lt=now)
        answered = expired.annotate(newest=newest).exclude(pk=F("newest")).delete()[0]
        for question in registry.kept_for_a_time():
            assert question.keep is not None
            over = Q(expires_at__lt=now - question.keep) | Q(
                state=LookupState.FAILED, answered_at__lt=now - question.keep
            )
            answered += Lookup.objects.filter(over, kind=question.kind).delete()[0]
        failed = Lookup.objects.filter(state=LookupState.FAILED, answered_at__lt=now - KEEP_FAILED).delete()[0]
    return answered + failed
