"""What changed from one version of a template to another, in words. Pure."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.utils.translation import gettext as _

from .rule_words import name_of, rule_in_words
from .template import Field, Rule, Template

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference. `before` and `after` hold what can be told apart only side by side."""

    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def changes(old: Template, new: Template) -> list[Change]:
    """All differences, in the order in which the form shows them: itself, layout, fields with options, rules."""
    return [*_itself(old, new), *_layout(old, new), *_fields(old, new), *_required(old, new), *_rules(old, new)]


def _itself(old: Template, new: Template) -> Iterator[Change]:
    if old.name != new.name:
        yield Change(_("Renamed from %(old)s to %(new)s") % {"old": old.name, "new": new.name})
    if old.description != new.description:
        yield Change(_("Description changed"), (old.description,), (new.description,))
    if old.active != new.active:
        yield Change(_("Activated") if new.active else _("Made inactive: no case can be opened with it"))
    if old.tags != new.tags:
        yield Change(_("Tags of new cases changed"), _tags(old), _tags(new))


def _layout(old: Template, new: Template) -> Iterator[Change]:
    if old.sections != new.sections:
        yield Change(_("Layout changed"), _sections(old), _sections(new))


def _fields(old: Template, new: Template) -> Iterator[Change]:
    for before, after in _pairs(old.live, new.live):
        if before is None and after is not None:
            yield Change(_("Field %(name)s added") % {"name": after.name})
        elif after is None and before is not None:
            yield Change(_("Field %(name)s removed") % {"name": before.name})
        elif before is not None and after is not None:
            yield from _field(before, after)


def _field(old: Field, new: Field) -> Iterator[Change]:
    if old.name != new.name:
        yield Change(_("Field %(old)s renamed to %(new)s") % {"old": old.name, "new": new.name})
    if (old.type, old.multiline) != (new.type, new.multiline):
        yield Change(_("Field %(name)s has another type") % {"name": new.name}, (_kind(old),), (_kind(new),))
    if old.description != new.description:
        text = _("Description of field %(name)s changed") % {"name": new.name}
        yield Change(text, (old.description,), (new.description,))
    for before, after in _pairs({o.value: o for o in old.options}, {o.value: o for o in new.options}):
        option = after or before
        known = {"option": option.name if option else "", "name": new.name}
        if before is None:
            yield Change(_("Option %(option)s added to %(name)s") % known)
        elif after is None:
            yield Change(_("Option %(option)s removed from %(name)s") % known)
        else:
            if before.active != after.active:
                words = (
                    _("Option %(option)s of %(name)s is active again"),
                    _("Option %(option)s of %(name)s made inactive"),
                )
                yield Change((words[0] if after.active else words[1]) % known)
            if before.name != after.name:
                yield Change(_("Option %(old)s of %(name)s renamed to %(option)s") % (known | {"old": before.name}))


def _required(old: Template, new: Template) -> Iterator[Change]:
    for id_ in [id_ for id_ in new.required if id_ not in old.required]:
        yield Change(_("%(name)s is required now") % {"name": name_of(new, id_)})
    for id_ in [id_ for id_ in old.required if id_ not in new.required]:
        yield Change(_("%(name)s is no longer required") % {"name": name_of(old, id_)})


def _rules(old: Template, new: Template) -> Iterator[Change]:
    for before, after in _pairs(_live_rules(old), _live_rules(new)):
        if before is None and after is not None:
            yield Change(_("Rule %(name)s added") % {"name": after.name}, after=tuple(rule_in_words(new, after)))
        elif after is None and before is not None:
            yield Change(_("Rule %(name)s removed") % {"name": before.name}, before=tuple(rule_in_words(old, before)))
        elif before is not None and after is not None and before != after:
            words = tuple(rule_in_words(old, before)), tuple(rule_in_words(new, after))
            yield Change(_("Rule %(name)s changed") % {"name": after.name}, *words)


# --- small parts ---------------------------------------------------------------------------------------------------------
def _pairs(old: Mapping[Key, Thing], new: Mapping[Key, Thing]) -> Iterator[tuple[Thing | None, Thing | None]]:
    """Things of both sides by what names them, those of the new side first."""
    for key, after in new.items():
        yield old.get(key), after
    for key, before in old.items():
        if key not in new:
            yield before, None


def _live_rules(template: Template) -> dict[tuple[str, str], Rule]:
    """A rule may work on several fields: its id alone does not name it."""
    return {(rule.id, rule.field_id): rule for rule in template.rules if not rule.deleted}


def _tags(template: Template) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in template.tags)


def _sections(template: Template) -> tuple[str, ...]:
    if template.sections is None:
        return (_("no layout"),)
    return tuple(
        f"{section.name}: {', '.join(name_of(template, id_) for id_ in section.field_ids)}"
        for section in template.sections
    )


def _kind(field: Field) -> str:
    return _("%(type)s, several lines") % {"type": field.type} if field.multiline else str(field.type)
