"""The parts of the page that are about Connect: its cases, and the domains they are made in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from casesite.sandbox import links
from casesite.sandbox.connect import files
from casesite.sandbox.connect_cases import cases, domains, system_fields
from casesite.sandbox.connect_cases.cases import Case, Item
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, Part
from casesite.sandbox.connect_cases.values import Union, plain
from casesite.sandbox.page.markup import Html, tag
from casesite.sandbox.page.pieces import button, chip, form, grouped, hidden, moment, select, size_in_words
from casesite.sandbox.state import State

CASES_SHOWN = 40
PROFILES_SHOWN = 12
STATUS_LOOKS = {system_fields.OPEN: "ok", system_fields.CLOSED: "plain"}
RULE_NAMES = {"required": "required", "hidden": "hidden", "fieldOptions": "options"}
FIRST = (system_fields.CUSTOMER, system_fields.SUMMARY)


class Held:
    """A domain with its parts by id, read once for all that is shown of it."""

    def __init__(self, state: State, domain: Domain) -> None:
        self.domain = domain
        self.parts = {kind: {each.id: each for each in domains.parts(state, domain, kind)} for kind in Kind}

    def living(self, kind: Kind) -> list[Part]:
        return domains.living(self.parts[kind].values())

    def name_of(self, kind: Kind, id_: str) -> str:
        part = self.parts[kind].get(id_)
        return str(part.document.get("name", id_)) if part else id_

    def words(self, field_id: str, value: Union) -> str:
        """A value as people read it: an option by its name, a person or customer by theirs."""
        field, inside = self.parts[Kind.FIELD].get(field_id), plain(value)
        if isinstance(inside, bool):
            return "yes" if inside else "no"
        if field is not None and field.document["type"] == "SingleSelect":
            names = {each["value"]: each["name"] for each in field.document.get("options", ())}
            return f"{names.get(inside, inside)} ({inside})"
        if field_id == system_fields.CUSTOMER:
            return self._person(Kind.PROFILE, inside)
        if "userArnValue" in value or field_id == system_fields.ASSIGNED_USER:
            return self._person(Kind.USER, inside)
        return f"{inside:g}" if isinstance(inside, float) else str(inside or "")

    def author(self, item: Item) -> str:
        named = item.performed_by or {}
        return self._person(Kind.USER, named["userArn"]) if "userArn" in named else named.get("customEntity", "API")

    def _person(self, kind: Kind, arn: str) -> str:
        part = self.parts[kind].get(arn.rpartition("/")[2])
        return full_name(part.document) if part else arn


def full_name(document: Document) -> str:
    names = (document.get(name) for name in ("FirstName", "MiddleName", "LastName"))
    return (
        " ".join(each for each in names if each)
        or document.get("Username")
        or document.get("BusinessName")
        or "nameless"
    )


def cases_section(state: State, unfolded: str | None = None) -> Html:
    """The newest cases by domain; `unfolded` is the id of the one that stands open."""
    shown, count = cases.newest(state, CASES_SHOWN)
    groups = []
    for domain in domains.every(state):
        own = [case for case in shown if case.domain_id == domain.domain_id]
        if own:
            groups.append(_domain_cases(state, Held(state, domain), own, unfolded))
    more = count - len(shown)
    return tag(
        "section",
        tag("h2", "Cases Connect holds"),
        groups or tag("p", "No case yet. One that the site makes from a template stands here.", class_="empty"),
        tag("p", f"{more} older cases are not shown.", class_="small muted") if more > 0 else None,
        id="connect-cases",
    )


def _domain_cases(state: State, held: Held, own: Iterable[Case], unfolded: str | None) -> Html:
    return tag(
        "div",
        _heading(held.domain),
        tag("div", [_case(state, held, each, each.case_id == unfolded) for each in own], class_="list"),
        class_="group",
    )


def _heading(domain: Domain) -> Html:
    where = f"{grouped(domain.account_id)}, {domain.region}"
    return tag("h3", domain.name, tag("span", where, class_="small muted"))


def _case(state: State, held: Held, case: Case, unfolded: bool) -> Html:
    status = str(plain(case.fields[system_fields.STATUS]))
    template = held.name_of(Kind.TEMPLATE, case.template_id)
    number = plain(case.fields.get(system_fields.REFERENCE_NUMBER))
    hidden_yet = case.visible_at > state.now()
    summary = tag(
        "summary",
        chip(status, STATUS_LOOKS.get(status, "warn")),
        tag(
            "span",
            tag("b", plain(case.fields.get(system_fields.TITLE))),
            tag("span", f"{template} · {number}", class_="small muted line"),
        ),
        tag("span", chip("not found yet", "doubt") if hidden_yet else moment(case.created_at), class_="end"),
    )
    inside = tag("div", _facts(held, case), _items(state, held, case), _actions(held, case, status), class_="inside")
    return tag("details", summary, inside, id=case.case_id, open=unfolded)


def _facts(held: Held, case: Case) -> Html:
    """Values in the order of the domain's fields, the system's own last."""
    own = [id_ for id_, part in held.parts[Kind.FIELD].items() if part.document["namespace"] == "Custom"]
    last = [id_ for id_ in held.parts[Kind.FIELD] if id_ not in own and id_ not in FIRST]
    facts: list[tuple[str, Any]] = [
        (held.name_of(Kind.FIELD, id_), tag("span", held.words(id_, case.fields[id_]), class_="words"))
        for id_ in (*FIRST, *own, *last)
        if id_ in case.fields and id_ != system_fields.TITLE
    ]
    tags = ", ".join(f"{key} = {value}" for key, value in case.tags.items())
    facts.append(("Tags", tags or "none"))
    return tag("dl", [(tag("dt", name), tag("dd", value)) for name, value in facts])


def _items(state: State, held: Held, case: Case) -> Html | None:
    rows = [
        tag(
            "li",
            tag("p", tag("b", held.author(each)), " ", moment(each.created_at), class_="small"),
            _content(state, held, each),
        )
        for each in cases.items(state, case)
    ]
    return tag("ol", rows, class_="thread") if rows else None


def _content(state: State, held: Held, item: Item) -> Html:
    if item.type == "Comment":
        return tag("div", item.content["comment"]["body"], class_="words")
    if item.type == "File":
        return tag("div", _file(state, held.domain, item.content["file"]["fileArn"]))
    what = next(iter(item.content.values()))
    return tag("div", f"{item.type}: {what}", class_="words small muted")


def _file(state: State, domain: Domain, arn: str) -> Html:
    file = files.find(state, domain, arn.rpartition("/")[2])
    if file is None:
        return tag("span", arn, class_="mono")
    link = tag("a", file.upload.file_name, href=links.to_download(state, file.file_id).path)
    about = f" {size_in_words(file.upload.size)}, {file.status(state.now()).lower()}"
    return tag("span", link, tag("span", about, class_="small muted"))


def _actions(held: Held, case: Case, status: str) -> Html:
    options = held.parts[Kind.FIELD][system_fields.STATUS].document["options"]
    choices = [(each["value"], each["name"]) for each in options if each["active"] or each["value"] == status]
    set_status = form(
        "connect-status",
        hidden("case_id", case.case_id),
        select("status", "Status, set as an agent of Connect", choices, status),
        tag("div", button("Set the status", main=True), class_="buttons"),
    )
    box = f"comment-{case.number}"
    comment = form(
        "connect-comment",
        hidden("case_id", case.case_id),
        tag("label", "Comment as an agent of Connect", for_=box),
        tag("textarea", "", id=box, name="body", rows=3, required=True),
        tag("div", button("Add the comment"), class_="buttons"),
    )
    return Html(set_status + comment)


def domains_section(state: State) -> Html:
    """Every domain with what its cases are made from and whom they are about."""
    held = [Held(state, domain) for domain in domains.every(state)]
    return tag(
        "section",
        tag("h2", "Domains of Connect Cases"),
        tag("div", [_domain(each) for each in held], class_="list")
        if held
        else tag("p", "None. The control interface makes them.", class_="empty"),
        id="domains",
    )


def _domain(held: Held) -> Html:
    domain, templates = held.domain, held.living(Kind.TEMPLATE)
    look = "ok" if domain.status == "Active" else "warn"
    summary = tag(
        "summary",
        chip(domain.status, look),
        tag(
            "span",
            tag("b", domain.name),
            tag("span", f"{grouped(domain.account_id)}, {domain.region}", class_="small muted line"),
        ),
        tag("span", f"{len(templates)} templates", class_="small muted end"),
    )
    ids = {"Domain id": domain.domain_id, "Instance": domain.instance_id, "Profiles": domain.profiles_domain or "none"}
    inside = tag(
        "div",
        tag("dl", [(tag("dt", name), tag("dd", tag("span", text, class_="mono"))) for name, text in ids.items()]),
        [_template(held, each) for each in templates],
        _listed("Customers", [_customer(each) for each in held.living(Kind.PROFILE)]),
        _listed("Users", [(full_name(each.document), each.document["Username"]) for each in held.living(Kind.USER)]),
        class_="inside",
    )
    return tag("details", summary, inside)


def _template(held: Held, template: Part) -> Html:
    document = template.document
    active = document["status"] == "Active"
    layout = held.parts[Kind.LAYOUT].get(document.get("layoutConfiguration", {}).get("defaultLayout", ""))
    placed = sections_of(layout.document) if layout else []
    required = [each["fieldId"] for each in document.get("requiredFields", ())]
    facts = [("Required", ", ".join(held.name_of(Kind.FIELD, each) for each in required) or "nothing")]
    facts += [(name, ", ".join(_field_in_words(held, id_) for id_ in ids)) for name, ids in placed]
    if not placed:
        facts.append(("Layout", "none"))
    rules = [_rule_in_words(held, each["caseRuleId"]) for each in document.get("rules", ())]
    facts.append(("Rules", "; ".join(rules) or "none"))
    spread = (each["tagMap"] for each in document.get("tagPropagationConfigurations", ()))
    tags = ", ".join(f"{key} = {value}" for each in spread for key, value in each.items())
    facts.append(("Tags", tags or "none"))
    return tag(
        "div",
        tag("h3", document["name"], " ", None if active else chip("inactive", "plain")),
        tag("p", document.get("description"), class_="small muted"),
        tag("dl", [(tag("dt", name), tag("dd", text)) for name, text in facts]),
        class_="part",
    )


def sections_of(layout: Document) -> list[tuple[str, list[str]]]:
    """The sections of a layout by name, with their fields in order."""
    panels = (layout["content"]["basic"].get(name, {}) for name in ("topPanel", "moreInfo"))
    groups = [section["fieldGroup"] for panel in panels for section in panel.get("sections", ())]
    return [(each.get("name") or "Section", [field["id"] for field in each["fields"]]) for each in groups]


def _field_in_words(held: Held, id_: str) -> str:
    field = held.parts[Kind.FIELD].get(id_)
    if field is None:
        return id_
    options = field.document.get("options")
    about = f"{len(options)} options" if options else field.document["type"]
    return f"{field.document['name']} ({'deleted' if field.deleted else about})"


def _rule_in_words(held: Held, id_: str) -> str:
    rule = held.parts[Kind.RULE].get(id_)
    if rule is None:
        return id_
    return f"{rule.document['name']} ({RULE_NAMES[next(iter(rule.document['rule']))]})"


def _customer(profile: Part) -> tuple[str, str]:
    wanted = ("AccountNumber", "EmailAddress", "PhoneNumber", "BusinessName")
    about = [str(profile.document[name]) for name in wanted if name in profile.document]
    return full_name(profile.document), " · ".join(about)


def _listed(heading: str, people: list[tuple[str, str]]) -> Html:
    rows = [tag("li", name, " ", tag("span", about, class_="small muted")) for name, about in people[:PROFILES_SHOWN]]
    more = len(people) - len(rows)
    return tag(
        "div",
        tag("h3", heading),
        tag("ul", rows, class_="people") if rows else tag("p", "None.", class_="small muted"),
        tag("p", f"{more} more are not shown.", class_="small muted") if more > 0 else None,
        class_="part",
    )
