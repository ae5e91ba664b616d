"""How many files of which size go out with a case, what they may be called, and why. Pure."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from casesite.catalog.known import MAY_NOT_ATTACH, MAY_NOT_UPLOAD, MAY_UPLOAD
from casesite.teams.models import AwsAccount

MIB = 1024 * 1024
NAME_LIMIT = 255
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Limits:
    """What AWS takes from an account: `way` is how ("set", "upload_ids", or "" for not at all), `why` a sentence for people."""

    count: int
    size: int
    way: str
    why: Any = ""

    @property
    def size_words(self) -> str:
        return f"{self.size // MIB}\N{NO-BREAK SPACE}MB"

    @property
    def words(self) -> str:
        """The limits as the form says them before anybody chooses a file."""
        if not self.count:
            return str(self.why)
        said = ngettext("%(count)d file of %(size)s.", "Up to %(count)d files of %(size)s each.", self.count)
        return " ".join(
            (said % {"count": self.count, "size": self.size_words}, str(self.why or self._why_so_many))
        ).strip()

    @property
    def _why_so_many(self) -> str:
        return _("This account may upload large ones (support:UploadAttachment).") if self.way == "upload_ids" else ""

    def problems_with(self, name: str, size: int, count: int) -> list[ValidationError]:
        """What is wrong with the `count`-th file, where the account takes it not."""
        problems = []
        for check in (lambda: check_size(name, size, self), lambda: check_count(name, count, self)):
            try:
                check()
            except ValidationError as exc:
                problems.append(exc)
        return problems

    def fit(self, sizes: list[int]) -> bool:
        return len(sizes) <= self.count and all(size <= self.size for size in sizes)


ROOMIEST = Limits(10, 157_286_400, "upload_ids")
SET = Limits(3, 5 * MIB, "set")
CONNECT = Limits(10, 20 * MIB, "connect")  # with a case of Amazon Connect
MOST = ROOMIEST.count


def limits_of(account: AwsAccount | None) -> Limits:
    """The limits that apply to an account. While none is chosen, the widest: choosing one says what remains."""
    if account is None:
        why = gettext_lazy("Accounts that may not upload large files take 3 of 5 MB.")
        return Limits(ROOMIEST.count, ROOMIEST.size, ROOMIEST.way, why)
    codes = {row.get("code") for row in account.check_details}
    if MAY_NOT_ATTACH in codes:
        return Limits(0, 0, "", gettext_lazy("This account may not attach files (support:AddAttachmentsToSet)."))
    if MAY_UPLOAD in codes:
        return ROOMIEST
    if MAY_NOT_UPLOAD in codes:
        why = gettext_lazy("This account may not upload larger ones (support:UploadAttachment).")
    else:
        why = gettext_lazy("Larger ones go out once the account's check has found that it may upload them.")
    return Limits(SET.count, SET.size, SET.way, why)


# --- refusing by name ----------------------------------------------------------------------------------------------------
def check_name(name: str) -> None:
    """A name that people can read, and that means the same on every machine."""
    if len(name) > NAME_LIMIT:
        raise ValidationError(
            _("“%(name)s…” was not taken: its name has %(length)d characters, %(limit)d are the most."),
            params={"name": readable(name[:40]), "length": len(name), "limit": NAME_LIMIT},
        )
    if not name.strip() or name.strip() in (".", ".."):
        raise ValidationError(_("A file was not taken: it has no name."))
    odd = next((each for each in name if unicodedata.category(each) in _UNSEEN), None)
    if odd is not None:
        raise ValidationError(
            _("“%(name)s” was not taken: its name holds a character that nobody sees (%(code)s). Rename it."),
            params={"name": readable(name), "code": f"U+{ord(odd):04X}"},
        )
    if "/" in name or "\\" in name:
        raise ValidationError(
            _("“%(name)s” was not taken: a name can't hold a slash or backslash. Rename it."), params={"name": name}
        )


def check_size(name: str, size: int, limits: Limits) -> None:
    """Not empty, and not larger than AWS takes from the account."""
    if size == 0:
        raise ValidationError(_("“%(name)s” was not taken: it is empty."), params={"name": readable(name)})
    if limits.count and size > limits.size:
        raise _over(
            limits,
            _("“%(name)s” was not taken: it has %(size)s (%(bytes)s bytes), %(limit)s (%(most)s bytes) are the most."),
            name=readable(name),
            size=filesizeformat(size),
            bytes=f"{size:,}",
            limit=limits.size_words,
            most=f"{limits.size:,}",
        )


def check_count(name: str, count: int, limits: Limits) -> None:
    """`count` files with this one."""
    if not limits.count:
        raise _over(limits, _("“%(name)s” was not taken."), name=readable(name))
    if count > limits.count:
        text = ngettext(
            "“%(name)s” was not taken: the case takes %(limit)d file.",
            "“%(name)s” was not taken: the case takes %(limit)d files.",
            limits.count,
        )
        raise _over(limits, text, name=readable(name), limit=limits.count)


def _over(limits: Limits, text: str, **params: Any) -> ValidationError:
    """A refusal with why the account takes no more, where there is more to say."""
    return ValidationError(f"{text} %(why)s" if limits.why else text, params=params | {"why": limits.why})


def readable(name: str) -> str:
    """The name with a mark in place of what nobody sees."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) in _UNSEEN else each for each in name)
