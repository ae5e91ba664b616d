"""The fields that every domain has from the start, as AWS documents them."""

from __future__ import annotations

from casesite.sandbox.connect_cases import domains
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind
from casesite.sandbox.state import State

TITLE = "title"
STATUS = "status"
CUSTOMER = "customer_id"
SUMMARY = "summary"
REFERENCE_NUMBER = "reference_number"
REFERENCE_ID = "reference_id"
ASSIGNED_QUEUE = "assigned_queue"
ASSIGNED_USER = "assigned_user"
CASE_ID = "case_id"
CREATED = "created_datetime"
UPDATED = "last_updated_datetime"
CLOSED_AT = "last_closed_datetime"
CREATED_BY = "created_by"
UPDATED_BY = "last_updated_user"
SET_BY_AWS = frozenset({CASE_ID, CREATED, UPDATED, CLOSED_AT, CREATED_BY, UPDATED_BY})

OPEN, CLOSED = "open", "closed"

NAMES_AND_TYPES = {
    ASSIGNED_QUEUE: ("Assigned queue", "Text"),
    ASSIGNED_USER: ("Assigned user", "Text"),
    CASE_ID: ("Case ID", "Text"),
    "case_reason": ("Case Reason", "SingleSelect"),
    CREATED_BY: ("Created By", "User"),
    CUSTOMER: ("Customer", "Text"),
    CLOSED_AT: ("Date/Time Closed", "DateTime"),
    CREATED: ("Date/Time Opened", "DateTime"),
    UPDATED: ("Date/Time Updated", "DateTime"),
    UPDATED_BY: ("Last Updated User", "User"),
    REFERENCE_NUMBER: ("Reference number", "Text"),
    STATUS: ("Status", "SingleSelect"),
    SUMMARY: ("Summary", "Text"),
    TITLE: ("Title", "Text"),
}
OPTIONS = {
    STATUS: (("Open", OPEN), ("Closed", CLOSED), ("Pending customer", "pending_customer")),
    "case_reason": (
        ("Product defect", "product_defect"),
        ("Shipment lost", "Shipment lost"),
        ("General inquiry", "general_inquiry"),
    ),
}


def add_to(state: State, domain: Domain) -> None:
    for id_, (name, type_) in NAMES_AND_TYPES.items():
        document: Document = {"name": name, "type": type_, "namespace": "System"}
        if id_ in OPTIONS:
            document["options"] = [{"name": text, "value": value, "active": True} for text, value in OPTIONS[id_]]
        domains.put(state, domain, Kind.FIELD, id_, document)
