"""What a draft holds and AWS offers no longer: said at its field when the draft is opened, with the code as it was chosen."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from .forms.offer import Offer
from .forms.support import SupportForm


def mark_gone(form: SupportForm, *, skip: str = "") -> None:
    """Put a sentence beside each choice that is gone. Where nobody knows what AWS offers, nothing is said."""
    for name, message in _gone(form.offer):
        if name != skip:
            form.show_error(name, message)


def _gone(offer: Offer) -> Iterator[tuple[str, str]]:
    if offer.catalog is None:
        return
    service = offer.snapshot.service(offer.service_code)
    if offer.service_code and service is None:
        yield (
            "service_code",
            _("AWS does not list the service “%(code)s” for this account any more. Choose another one.")
            % {"code": offer.service_code},
        )
    if service and offer.category_code and service.category(offer.category_code) is None:
        yield (
            "category_code",
            _("%(service)s has no category “%(code)s” any more. Choose another one.")
            % {"service": service.name, "code": offer.category_code},
        )
    if offer.severity_code and offer.snapshot.severity(offer.severity_code) is None:
        yield (
            "severity_code",
            _("The account's support plan does not offer the severity “%(code)s” any more. Choose another one.")
            % {"code": offer.severity_code},
        )
    if offer.language and offer.language not in dict(offer.languages):
        yield (
            "language",
            _("AWS does not offer the language “%(code)s” for the service and category any more. Choose another one.")
            % {"code": offer.language},
        )
