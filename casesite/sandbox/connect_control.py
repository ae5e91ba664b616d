"""The part of the control interface that is about Connect: what domains are made of, and the truth about their cases."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from botocore.model import Shape

from casesite.sandbox.aws import Aws
from casesite.sandbox.connect import files
from casesite.sandbox.connect.files import File
from casesite.sandbox.connect_cases import cases, demo, domains, system_fields
from casesite.sandbox.connect_cases.case_operations import taken_values
from casesite.sandbox.connect_cases.cases import Case, Doer, Event, Item
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, NewDomain, Part
from casesite.sandbox.messages import AwsError
from casesite.sandbox.orders import Mistake, account_id_of, only_known, text_of
from casesite.sandbox.shapes import checked

Routes = list[tuple[str, re.Pattern[str], Callable[..., Any]]]
KINDS = {
    "fields": Kind.FIELD,
    "layouts": Kind.LAYOUT,
    "templates": Kind.TEMPLATE,
    "rules": Kind.RULE,
    "profiles": Kind.PROFILE,
    "users": Kind.USER,
}
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
STATUSES = ("Active", "CreationInProgress", "CreationFailed")
# By which of AWS's own requests a document must be fit to be made, and what it has besides.
MADE_BY = {
    Kind.FIELD: "CreateField",
    Kind.LAYOUT: "CreateLayout",
    Kind.TEMPLATE: "CreateTemplate",
    Kind.RULE: "CreateCaseRule",
}
USER_TEXTS = ("Username", "FirstName", "LastName", "Email")


class ConnectControl:
    """One method for each thing that can be asked or told about Connect."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.state = aws.state

    def routes(self) -> Routes:
        domain, kind = r"connect/domains/(?P<domain_id>[^/]+)", f"(?P<kind>{'|'.join(KINDS)})"
        return [
            ("GET", re.compile(r"connect/domains"), self.domains),
            ("POST", re.compile(r"connect/domains"), self.put_domain),
            ("POST", re.compile(r"connect/demo"), self.build_demo),
            ("GET", re.compile(domain), self.domain),
            ("DELETE", re.compile(domain), self.remove_domain),
            ("POST", re.compile(f"{domain}/{kind}"), self.put_part),
            ("DELETE", re.compile(f"{domain}/{kind}/(?P<id_>[^/]+)"), self.delete_part),
            ("GET", re.compile(r"connect/cases"), self.cases),
            ("GET", re.compile(r"connect/files"), self.files),
            ("POST", re.compile(r"connect/cases/(?P<case_id>[^/]+)"), self.change_case),
            ("POST", re.compile(r"connect/cases/(?P<case_id>[^/]+)/comments"), self.comment),
        ]

    def domains(self, given: Mapping[str, Any]) -> Any:
        return {"domains": [self._domain(each) for each in domains.every(self.state)]}

    def domain(self, given: Mapping[str, Any], domain_id: str) -> Any:
        return self._domain(self._find(domain_id))

    def put_domain(self, given: Mapping[str, Any]) -> Any:
        """Make a domain with its system fields, or change name, status or tags of the one with this domain_id."""
        only_known(given, [each.name for each in fields(NewDomain)])
        _check_domain(given)
        known = domains.every(self.state, domain_id=given["domain_id"]) if "domain_id" in given else []
        with self.state.transaction():
            if known:
                values = {name: given.get(name, getattr(known[0], name)) for name in ("name", "status", "tags")}
                return self._domain(domains.change(self.state, known[0], **values))
            account_id, name, region = account_id_of(given), text_of(given, "name"), text_of(given, "region")
            if not REGION.fullmatch(region):
                raise Mistake("region must be one such as us-east-1")
            try:
                new = NewDomain(**{**given, "account_id": account_id, "name": name, "region": region})
                made = domains.add(self.state, new)
            except sqlite3.IntegrityError:
                raise Mistake("Another domain has this domain_id or instance_id.", 409) from None
            system_fields.add_to(self.state, made)
            return self._domain(made)

    def build_demo(self, given: Mapping[str, Any]) -> Any:
        """Build one of the demo domains in an account and region."""
        only_known(given, ("account_id", "region", "demo"))
        key, region = given.get("demo", "care"), given.get("region", "us-east-1")
        if key not in demo.definitions():
            raise Mistake(f"demo must be one of {', '.join(demo.definitions())}")
        if not isinstance(region, str) or not REGION.fullmatch(region):
            raise Mistake("region must be one such as us-east-1")
        return self._domain(demo.build(self.state, key, account_id_of(given), region))

    def remove_domain(self, given: Mapping[str, Any], domain_id: str) -> Any:
        with self.state.transaction():
            domains.remove(self.state, self._find(domain_id))
        return {"ok": True}

    def put_part(self, given: Mapping[str, Any], domain_id: str, kind: str) -> Any:
        """Add a part, or alter the members named of the one with this `id`; null takes a member away."""
        domain, what = self._find(domain_id), KINDS[kind]
        id_ = str(given.get("id") or (uuid.uuid4().hex if what is Kind.PROFILE else uuid.uuid4()))
        with self.state.transaction():
            before = domains.part(self.state, domain, what, id_)
            members = {name: value for name, value in given.items() if name != "id"}
            merged = (before.document if before else _blank(what)) | members
            document = {name: value for name, value in merged.items() if value is not None}
            self._check(what, document)
            domains.put(self.state, domain, what, id_, document)
        return {"id": id_, **document}

    def delete_part(self, given: Mapping[str, Any], domain_id: str, kind: str, id_: str) -> Any:
        """Delete a part. AWS still reads deleted ones by their id and leaves them out of lists."""
        domain = self._find(domain_id)
        if domains.part(self.state, domain, KINDS[kind], id_) is None:
            raise Mistake(f"There is no {kind[:-1]} with this id.", 404)
        domains.delete(self.state, domain, KINDS[kind], id_)
        return {"ok": True}

    def cases(self, given: Mapping[str, Any]) -> Any:
        """Every case there is with what is related to it and its history, seen by searches yet or not."""
        held = {each.domain_id: each for each in domains.every(self.state)}
        found = cases.every(self.state)
        return {"cases": [self._case(held[case.domain_id], case) for case in found if case.domain_id in held]}

    def files(self, given: Mapping[str, Any]) -> Any:
        """Every file on its way to a case or attached to one; `uploads/<file id>/ready` and `/fail` settle one."""
        held = {each.domain_id: each for each in domains.every(self.state)}
        found = [each for each in files.every(self.state) if each.domain_id in held]
        return {"files": [self._file(held[each.domain_id], each) for each in found]}

    def change_case(self, given: Mapping[str, Any], case_id: str) -> Any:
        """Set `fields` (values by field id, in AWS's unions) as an agent of Connect does. No rule stands in an agent's way here."""
        only_known(given, ("fields",))
        domain, case = self._find_case(case_id)
        values = given.get("fields")
        if not isinstance(values, dict) or not all(
            isinstance(each, dict) and len(each) == 1 for each in values.values()
        ):
            raise Mistake('fields must be values by field id, such as {"status": {"stringValue": "closed"}}')
        union = self._shape("connectcases", "FieldValueUnion")
        values = {id_: checked(value, union) for id_, value in values.items()}
        known = {each.id: each for each in domains.parts(self.state, domain, Kind.FIELD)}
        with self.state.transaction():
            changes = taken_values([{"id": id_, "value": value} for id_, value in values.items()], known)
            return self._case(domain, cases.update(self.state, domain, case, changes, self._agent(domain)))

    def comment(self, given: Mapping[str, Any], case_id: str) -> Any:
        """Add a comment as an agent of Connect."""
        only_known(given, ("body",))
        domain, case = self._find_case(case_id)
        content = {"comment": {"body": text_of(given, "body"), "contentType": "Text/Plain"}}
        with self.state.transaction():
            cases.add_item(self.state, domain, case, "Comment", content, self._agent(domain))
        return self._case(domain, case)

    def _find_case(self, case_id: str) -> tuple[Domain, Case]:
        case = cases.find(self.state, case_id)
        if case is None:
            raise Mistake("There is no such case.", 404)
        return self._find(case.domain_id), case

    def _agent(self, domain: Domain) -> Doer:
        """The first user of the instance, in Connect's own workspace."""
        users = domains.living(domains.parts(self.state, domain, Kind.USER))
        person = {"userArn": domain.user_arn(users[0].id)} if users else {"customEntity": "agent"}
        return Doer(f"arn:aws:iam::{domain.account_id}:role/connect-workspace", person)

    def _find(self, domain_id: str) -> Domain:
        found = domains.every(self.state, domain_id=domain_id)
        if not found:
            raise Mistake("There is no such domain.", 404)
        return found[0]

    def _check(self, kind: Kind, document: Document) -> None:
        if kind is Kind.USER:
            only_known(document, USER_TEXTS)
            for name in document:
                text_of(document, name)
            text_of(document, "Username")
            return
        own = {name: value for name, value in document.items() if name not in ("tags", "options", "namespace")}
        try:
            if kind is Kind.PROFILE:
                checked(own, self._shape("customer-profiles", "Profile"))
                return
            checked({"domainId": "x", **own}, self._shape("connectcases", f"{MADE_BY[kind]}Request"))
            if "options" in document:
                checked(document["options"], self._shape("connectcases", "FieldOptionsList"))
        except AwsError as error:
            raise Mistake(error.message) from None

    def _shape(self, service: str, name: str) -> Shape:
        found = self.aws.service_named(service)
        assert found is not None
        return found.model.shape_for(name)

    def _domain(self, domain: Domain) -> Document:
        held = {name: [_part(each) for each in domains.parts(self.state, domain, kind)] for name, kind in KINDS.items()}
        return {
            "account": domain.account_id,
            "region": domain.region,
            "domainId": domain.domain_id,
            "domainArn": domain.arn,
            "name": domain.name,
            "status": domain.status,
            "tags": domain.tags,
            "instanceId": domain.instance_id,
            "instanceArn": domain.instance_arn,
            "profilesDomain": domain.profiles_domain,
            **held,
        }

    def _file(self, domain: Domain, file: File) -> Document:
        return {
            "account": domain.account_id,
            "domainId": domain.domain_id,
            "fileId": file.file_id,
            "fileArn": domain.file_arn(file.file_id),
            "fileName": file.upload.file_name,
            "fileSizeInBytes": file.upload.size,
            "fileStatus": file.status(self.state.now()),
            "associatedResourceArn": file.associated_arn,
            "attached": file.upload.taken,
            "sha256": files.sha256(self.state, file),
        }

    def _case(self, domain: Domain, case: Case) -> Document:
        return {
            "account": domain.account_id,
            "region": domain.region,
            "domainId": domain.domain_id,
            "caseId": case.case_id,
            "caseArn": cases.arn(domain, case),
            "templateId": case.template_id,
            "fields": case.fields,
            "tags": case.tags,
            "timeCreated": case.created_at,
            "visible_at": case.visible_at,
            "relatedItems": [_item(each) for each in cases.items(self.state, case)],
            "auditEvents": [_event(each) for each in cases.events(self.state, case)],
        }


def _item(item: Item) -> Document:
    told = {"relatedItemId": item.item_id, "type": item.type, "content": item.content}
    return {**told, "performedBy": item.performed_by, "associationTime": item.created_at}


def _event(event: Event) -> Document:
    return {"type": event.type, "fields": event.fields, "performedBy": event.performed_by, "performedTime": event.at}


def _part(part: Part) -> Document:
    return {"id": part.id, "deleted": part.deleted, **part.document}


def _blank(kind: Kind) -> Document:
    if kind is Kind.FIELD:
        return {"namespace": "Custom"}
    return {"status": "Active"} if kind is Kind.TEMPLATE else {}


def _check_domain(given: Mapping[str, Any]) -> None:
    for name in ("domain_id", "instance_id", "profiles_domain", "name"):
        if given.get(name) is not None:
            text_of(given, name)
    if given.get("status", "Active") not in STATUSES:
        raise Mistake(f"status must be one of {', '.join(STATUSES)}")
    tags = given.get("tags", {})
    if not isinstance(tags, dict) or not all(isinstance(each, str) for each in tags.values()):
        raise Mistake("tags must be texts by key")
