"""Fetching the Connect domains of an account with all their templates. For workers and commands: it talks to AWS.

A domain's fields, options, rules and layouts are fetched once and shared by its templates.
"""

from collections.abc import Callable, Iterable
from typing import Any

from casesite import clock
from casesite.aws import connect_cases
from casesite.aws.connect_cases import Row
from casesite.aws.errors import OutcomeUnknown
from casesite.database import write
from casesite.lookups.reading import read
from casesite.pacing.gate import Api
from casesite.teams.models import AwsAccount

from . import people_sync, template_checks
from .lint import as_stored, lint
from .models import CasesDomain, CaseTemplate, ConnectTemplate
from .schema import sha256_of
from .template import (
    CUSTOMER,
    TITLE,
    BooleanRule,
    Comparison,
    Compound,
    Condition,
    Field,
    FieldType,
    Operator,
    Option,
    OptionsRule,
    Rule,
    RuleKind,
    Section,
    Template,
    Value,
    content_of,
    read_by,
)

PATIENCE = 60.0  # seconds to wait for one token of the gate
PANELS = ("topPanel", "moreInfo")
# Asked for where a template has no layout, and the two that every form may need.
STANDARD = (TITLE, CUSTOMER, "case_reason", "summary", "assigned_queue", "assigned_user", "reference_number")


def refresh(account: AwsAccount) -> list[ConnectTemplate]:
    """Ask AWS for all domains and templates in the account's regions and keep the answers.

    Raises an AwsError or GateClosed; what was known then stays, and forms go on with it.
    """
    found: list[ConnectTemplate] = []
    for region in account.regions:
        found += _Region(account, region).refresh()
    _forget_regions(account)
    return found


def answer_templates(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The handler of the lookup."""
    templates = refresh(account)
    return {"templates": len(templates), "domains": len({template.domain_id for template in templates})}


def _forget_regions(account: AwsAccount) -> None:
    """Domains in regions that the account no longer names are as good as gone."""
    left = account.cases_domains.exclude(region__in=account.regions).filter(gone_at=None)
    with write():
        left.update(gone_at=clock.now())


class _Region:
    """One account in one region."""

    def __init__(self, account: AwsAccount, region: str) -> None:
        self.account = account
        self.region = region
        self.api = Api(connect_cases.SERVICE, region)

    def ask(self, call: Callable[..., Any], **params: Any) -> Any:
        return read(self.account, call, patience=PATIENCE, api=self.api, region=self.region, **params)

    def refresh(self) -> list[ConnectTemplate]:
        rows = self.ask(connect_cases.domains)
        found: list[ConnectTemplate] = []
        for row in rows:
            domain = self._kept_domain(row)
            found += _Domain(self, domain).refresh()
        with write():
            gone = self.account.cases_domains.filter(region=self.region, gone_at=None)
            gone.exclude(domain_id__in=[row["domainId"] for row in rows]).update(gone_at=clock.now())
        people_sync.refresh(self.account, self.region)
        return found

    def _kept_domain(self, row: Row) -> CasesDomain:
        told = {"arn": row["domainArn"], "name": row["name"], "seen_at": clock.now(), "gone_at": None}
        with write():
            # An update leaves the history to what people change.
            known = self.account.cases_domains.filter(region=self.region, domain_id=row["domainId"])
            if known.update(**told):
                return known.get()
            return CasesDomain.objects.create(
                account=self.account, region=self.region, domain_id=row["domainId"], **told
            )


class _Domain:
    """One domain: what its templates name is fetched together."""

    def __init__(self, region: _Region, domain: CasesDomain) -> None:
        self.region = region
        self.domain = domain

    def ask(self, call: Callable[..., Any], **params: Any) -> Any:
        return self.region.ask(call, domain_id=self.domain.domain_id, **params)

    def refresh(self) -> list[ConnectTemplate]:
        listed = self.ask(connect_cases.templates)
        read_ = [self.ask(connect_cases.template, template_id=row["templateId"]) for row in listed]
        layouts = {
            id_: self.ask(connect_cases.layout, layout_id=id_) for id_ in sorted(set(map(_layout_id, read_)) - {""})
        }
        rules = self._rules({use["caseRuleId"] for row in read_ for use in row.get("rules") or ()})
        builds = [_Build(row, layouts.get(_layout_id(row)), rules) for row in read_]
        fields = self._fields({id_ for build in builds for id_ in build.field_ids})
        kept = [self._kept(build.template(fields), row) for build, row in zip(builds, read_, strict=True)]
        with write():
            gone = self.domain.templates.filter(deleted_at=None)
            gone.exclude(template_id__in=[row["templateId"] for row in listed]).update(deleted_at=clock.now())
        return kept

    def _rules(self, ids: set[str]) -> dict[str, Row]:
        """The rules that AWS knows. Raises where it leaves some unread: without them a form would ask for other things."""
        found: dict[str, Row] = {}
        for batch in connect_cases.in_batches(ids):
            waiting: list[str] = list(batch)
            while waiting:
                rows, left = self.ask(connect_cases.rules, rule_ids=waiting)
                if len(left) >= len(waiting):
                    text = "AWS left rules of the domain unread."
                    raise OutcomeUnknown(text, operation="connectcases.BatchGetCaseRule")
                waiting = left
                found |= {row["caseRuleId"]: row for row in rows}
        return found

    def _fields(self, ids: set[str]) -> dict[str, Field]:
        rows: list[Row] = []
        for batch in connect_cases.in_batches(ids):
            rows += self.ask(connect_cases.fields, field_ids=batch)
        return {row["fieldId"]: self._field(row) for row in rows if row["type"] in set(FieldType)}

    def _field(self, row: Row) -> Field:
        deleted = bool(row.get("deleted"))
        options: Iterable[Row] = ()
        if row["type"] == FieldType.SINGLE_SELECT and not deleted:
            options = self.ask(connect_cases.field_options, field_id=row["fieldId"])
        return Field(
            id=row["fieldId"],
            name=row["name"],
            type=FieldType(row["type"]),
            system=row["namespace"] == "System",
            multiline=bool(row.get("attributes", {}).get("text", {}).get("isMultiline")),
            description=row.get("description", ""),
            deleted=deleted,
            # The workspace sorts options by name, and so the order of AWS's answer means nothing.
            options=tuple(
                Option(option["name"], option["value"], option["active"])
                for option in sorted(options, key=lambda one: (one["name"].casefold(), one["value"]))
            ),
        )

    def _kept(self, template: Template, row: Row) -> ConnectTemplate:
        """The template with this as its newest version."""
        content, now = content_of(template), clock.now()
        sha256, findings = sha256_of(content), as_stored(lint(template))
        with write():
            kept, _made = ConnectTemplate.objects.update_or_create(
                domain=self.domain,
                template_id=template.id,
                defaults={
                    "name": template.name,
                    "active": template.active,
                    "deleted_at": now if row.get("deleted") else None,
                },
            )
            version, made = CaseTemplate.objects.get_or_create(
                template=kept,
                content_sha256=sha256,
                defaults={"content": content, "findings": findings, "fetched_at": now, "seen_at": now},
            )
            if not made:
                version.seen_at, version.findings = now, findings
                version.save(update_fields=["seen_at", "findings"])
            if kept.newest_id != version.pk:
                ConnectTemplate.objects.filter(pk=kept.pk).update(newest=version)
                kept.newest = version
                template_checks.run_all(version)
        return kept


class _Build:
    """A template's own answer, to be completed with the domain's fields."""

    def __init__(self, row: Row, layout: Row | None, rules: dict[str, Row]) -> None:
        self.row = row
        self.sections = None if layout is None else tuple(_sections(layout))
        self.rules: list[Rule] = []
        self.unreadable: list[str] = []
        for use in row.get("rules") or ():
            rule = rules.get(use["caseRuleId"])
            if rule is None:
                self.unreadable.append(use["caseRuleId"])
            elif built := _rule(rule, use.get("fieldId", "")):
                self.rules.append(built)
            else:
                self.unreadable.append(rule["name"])
        self.required = tuple(dict.fromkeys(required["fieldId"] for required in row.get("requiredFields") or ()))

    @property
    def field_ids(self) -> set[str]:
        named = {*STANDARD, *self.required, *(rule.field_id for rule in self.rules)}
        named |= {id_ for section in self.sections or () for id_ in section.field_ids}
        return named | {id_ for rule in self.rules for id_ in read_by(rule)}

    def template(self, fields: dict[str, Field]) -> Template:
        return Template(
            id=self.row["templateId"],
            name=self.row["name"],
            description=self.row.get("description", ""),
            active=self.row["status"] == "Active",
            fields=tuple(fields[id_] for id_ in sorted(self.field_ids) if id_ in fields),
            required=self.required,
            rules=tuple(self.rules),
            sections=self.sections,
            unreadable=tuple(self.unreadable),
            tags=tuple(
                sorted(
                    tag
                    for spread in self.row.get("tagPropagationConfigurations") or ()
                    if spread.get("resourceType") == "Cases"
                    for tag in spread["tagMap"].items()
                )
            ),
        )


# --- AWS's rows as frozen values -----------------------------------------------------------------------------------------
def _layout_id(row: Row) -> str:
    return str(row.get("layoutConfiguration", {}).get("defaultLayout", ""))


def _sections(layout: Row) -> Iterable[Section]:
    basic = layout["content"].get("basic", {})
    for panel in PANELS:
        for section in basic.get(panel, {}).get("sections", ()):
            if group := section.get("fieldGroup"):
                yield Section(panel, group.get("name", ""), tuple(field["id"] for field in group["fields"]))


def _rule(row: Row, field_id: str) -> Rule | None:
    """A rule as it works on a field of the template; None for a kind that this version does not know."""
    named = {"id": row["caseRuleId"], "name": row["name"], "deleted": bool(row.get("deleted"))}
    details = row["rule"]
    if options := details.get("fieldOptions"):
        mapping = tuple(
            (pair["parentFieldOptionValue"], tuple(pair["childFieldOptionValues"]))
            for pair in options["parentChildFieldOptionsMappings"]
        )
        child = options.get("childFieldId") or field_id
        return OptionsRule(field_id=child, parent_id=options.get("parentFieldId", ""), mapping=mapping, **named)
    for kind in (RuleKind.REQUIRED, RuleKind.HIDDEN):
        if (said := details.get(kind.value.lower())) is not None:
            conditions = [_condition(condition) for condition in said["conditions"]]
            if None in conditions:
                return None
            return BooleanRule(
                kind=kind,
                field_id=field_id,
                default=said["defaultValue"],
                conditions=tuple(condition for condition in conditions if condition is not None),
                **named,
            )
    return None


def _condition(row: Row) -> Condition | None:
    """One condition; None where it, or one inside it, says something that this version does not know."""
    [(operator, body)] = row.items()
    if operator not in set(Operator):
        return None
    if operator in (Operator.AND, Operator.OR):
        inner = [_condition(condition) for condition in body["conditions"]]
        known = tuple(condition for condition in inner if condition is not None)
        return Compound(Operator(operator), known) if known and len(known) == len(inner) else None
    field_id, operand = body["operandOne"].get("fieldId"), body["operandTwo"]
    if not field_id or set(operand) - {"stringValue", "booleanValue", "doubleValue", "emptyValue"}:
        return None
    value: Value = None if "emptyValue" in operand else next(iter(operand.values()))
    return Comparison(field_id, Operator(operator), value, body["result"])
