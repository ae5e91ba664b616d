"""Why a submission waits or ended: a stable code for machines, and the words people read for it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    WITHDRAWN = "withdrawn", _("Withdrawn by its author.")
    CANCELLED = "cancelled", _("Cancelled before it went out.")
    ALREADY_OPEN = "already_open", _("The case is already open at AWS, so this was not sent.")
    APPROVAL_EXPIRED = (
        "approval_expired",
        _("The approval ran out and the account or catalogue changed since. It needs a new look."),
    )
    QUOTA = (
        "quota",
        _("The account has opened as many cases as AWS allows in an hour. It goes out when a place is free."),
    )
    SERVICE_QUOTA = (
        "service_quota",
        _("AWS takes no more cases until a quota of this account is raised. It is tried again every 15 minutes."),
    )
    THROTTLED = "throttled", _("AWS asked us to slow down. It is sent again shortly.")
    PACE = "pace", _("The account's cases go out one after another, as fast as AWS takes them.")
    AFTER_OTHERS = "after_others", _("It goes out once what comes before it is there.")
    NOT_VISIBLE = "not_visible", _("AWS does not show the case yet. It is tried again.")
    CONNECTION = "connection", _("AWS could not be reached, so nothing was sent. It is tried again.")
    CLOCK = "clock", _("AWS found the request too old. It is signed and sent again.")
    ACCESS = "access", _("AWS does not let us in for this account. Somebody has to mend its access; then it goes out.")
    CREDENTIALS = (
        "credentials",
        _("The site has no valid credentials for this account. It goes out when they are mended."),
    )
    CHANGED = "changed", _("It was not sent because something changed at the last moment. It is tried again.")
    VERIFYING = "verifying", _("Before it is sent, we look whether an earlier sending reached AWS.")
    FILES = "files", _("AWS is looking at its files. It goes out when they are ready.")
    FILES_AGAIN = "files_again", _("Its files did not get to AWS in good order. They are uploaded again.")
    FILE_REFUSED = "file_refused", _("A file could not be given to AWS, so the case was not sent.")
    INVALID = "invalid", _("The request does not fit AWS's rules and was not sent.")
    REFUSED = "refused", _("AWS refused the case.")
    REFUSED_RESOLVE = (
        "refused_resolve",
        _("AWS does not let us resolve cases of this account: its role lacks support:ResolveCase."),
    )
    OUR_BUG = "our_bug", _("The request was wrong in a way that is our mistake. An operator has to look.")
    NO_ANSWER = "no_answer", _("AWS did not answer. We are checking whether the case was opened; nothing to do.")
    UNCLEAR = "unclear", _("AWS's answer proves nothing. We are checking whether the case was opened; nothing to do.")
    WORKER_LOST = (
        "worker_lost",
        _("The sending was cut off. We are checking whether the case was opened; nothing to do."),
    )
    NOT_RESOLVED = "not_resolved", _("AWS has not resolved it yet, so it is asked again.")
    NOT_FOUND = "not_found", _("AWS has no such case, so it is sent again.")
    NOT_FOUND_TWICE = "not_found_twice", _("AWS shows no such case after a second sending. A person has to decide.")
    NOT_FOUND_REPEATED = (
        "not_found_repeated",
        _("The same request was repeated for half an hour, and AWS shows no such case. A person has to decide."),
    )
    ASK = "ask", _("AWS shows no such case. This account's setting leaves sending again to a person.")
    CANNOT_LOOK = (
        "cannot_look",
        _("The case may exist at AWS, but for an hour we could not look. A person has to decide."),
    )
    TAKEN_OVER = "taken_over", _("A lead took it over before the checks were done.")
    REFUSED_OFTEN = "refused_often", _("AWS kept refusing it. A person has to decide.")
    BLOCKED_LONG = "blocked_long", _("The account has been blocked for 24 hours. A person has to decide.")
    POISON = "poison", _("Preparing it failed three times without an answer. A person has to look.")
    NO_WORKER = "no_worker", _("No running worker understands this kind of request. A person has to look.")
    ID_TAKEN = "id_taken", _("AWS's case id already belongs to another case here. A person has to look.")
    SENT_AGAIN = "sent_again", _("A lead had it sent again.")
    GAVE_UP = "gave_up", _("A lead gave up on it. It may exist at AWS; we keep looking before anything new is sent.")
