"""The judge sees each kind of harm: what is given to it here is what a run would leave on both sides."""

import json
from dataclasses import replace

import pytest

from tests.chaos import truth
from tests.chaos.plans import CONNECT, Account, AtAws, File, Item, Planned
from tests.sandbox.clients import Clients, put

ACCOUNT = Account("510000000001", tight=False, in_sets=False, connect=True, untagged=False)
FILES = (File("first.txt", b"1"), File("second.txt", b"2"))
PLANNED = Planned(1, "connect", ACCOUNT, "Failover, no. 1", "low", "It took long.", "Called twice.", FILES)
AT_AWS = AtAws(
    remote_id="case",
    account_id=ACCOUNT.account_id,
    marker="CS-1-1",
    subject=PLANNED.subject,
    body=PLANNED.body,
    items=tuple(replace(item, remote_id=f"item-{n}") for n, item in enumerate(PLANNED.items)),
)


def a_row(kind="connect_case", id_="1", content=None, **values):
    """A delivered submission as the database has it."""
    row = {
        "id": id_,
        "kind": kind,
        "state": "delivered",
        "marker": "CS-1-1",
        "remote_id": "case",
        "reason_code": "",
        "due_at": None,
        "duplicate": False,
        "content": json.dumps(content or {}),
        "reference": "CS-1",
        "subject": PLANNED.subject,
        "account_id": ACCOUNT.account_id,
    }
    return row | values


def companions(**values):
    """What goes with it, all three delivered; `values` change the last one."""
    contents = [
        ("connect_comment", {"comment": PLANNED.comment}),
        *(("connect_file", {"files": [{"sha256": file.sha256}]}) for file in FILES),
    ]
    rows = [
        a_row(kind, f"c{n}", content, marker=f"CS-1-c{n}", remote_id=f"item-{n}")
        for n, (kind, content) in enumerate(contents)
    ]
    return [*rows[:-1], rows[-1] | values]


def found(rows=None, at_aws=(AT_AWS,), attempts=(), submitted=(PLANNED,)):
    """The names of the harm that was seen."""
    rows = [a_row(), *companions()] if rows is None else rows
    findings = truth.compare_submissions(rows, attempts, at_aws, submitted, approved={"1"})
    return {name for name in ("lost", "doubled", "stuck", "unexplained") if getattr(findings, name)}


def items(*kept):
    """The case at AWS with these of its items, by number."""
    return replace(AT_AWS, items=tuple(AT_AWS.items[n] for n in kept))


def test_nothing_is_found_where_all_is_well():
    assert found() == set()


SEEN = {
    "case that AWS does not have": ({"at_aws": ()}, {"lost"}),
    "case that nobody knows of here": ({"rows": []}, {"lost", "unexplained"}),
    "second case with the same reference": (
        {"at_aws": (replace(AT_AWS, remote_id="other", items=()), AT_AWS)},
        {"doubled"},
    ),
    "form that was handed in once and stands here twice": (
        {
            "rows": [a_row(), *companions(), a_row(id_="2", marker="CS-2-1", reference="CS-2", remote_id="other")],
            "at_aws": (AT_AWS, replace(AT_AWS, marker="CS-2-1", remote_id="other")),
        },
        {"doubled"},
    ),
    "case that is still looked for": ({"rows": [a_row(state="unknown", remote_id=None)], "at_aws": ()}, {"stuck"}),
    "case that was never read back": ({"rows": [a_row(due_at="now"), *companions()]}, {"stuck"}),
    "approved case that waits for review": (
        {"rows": [a_row(state="pending_review", remote_id=None)], "at_aws": ()},
        {"lost"},
    ),
    "failure without a reason": ({"rows": [a_row(state="failed", remote_id=None)], "at_aws": ()}, {"lost"}),
    "failed case that AWS has": (
        {"rows": [a_row(state="failed", remote_id=None, reason_code="refused"), *companions()]},
        {"unexplained"},
    ),
    "case with another text": ({"at_aws": (replace(AT_AWS, body="Something else."),)}, {"unexplained"}),
    "case in another account": ({"at_aws": (replace(AT_AWS, account_id="510000000002"),)}, {"unexplained"}),
    "case of nobody": ({"at_aws": (AT_AWS, replace(AT_AWS, marker="", remote_id="other"))}, {"unexplained"}),
    "comment that AWS does not have": ({"at_aws": (items(1, 2),)}, {"lost"}),
    "comment that was never made into a submission": (
        {"rows": [a_row(), *companions()[1:]], "at_aws": (items(1, 2),)},
        {"lost"},
    ),
    "comment that AWS has twice": ({"at_aws": (items(0, 0, 1, 2),)}, {"doubled"}),
    "file that AWS does not have": ({"at_aws": (items(0, 1),)}, {"lost"}),
    "file that AWS has under another id": ({"rows": [a_row(), *companions(remote_id="other")]}, {"lost"}),
    "file that AWS has twice": ({"at_aws": (items(0, 1, 2, 2),)}, {"doubled"}),
    "files in another order": ({"at_aws": (items(0, 2, 1),)}, {"unexplained"}),
    "comment after the files": ({"at_aws": (items(1, 2, 0),)}, {"unexplained"}),
    "file of another case": (
        {"at_aws": (replace(AT_AWS, items=(*AT_AWS.items, Item("file", "?", "x"))),)},
        {"unexplained"},
    ),
    "file that still waits": (
        {"rows": [a_row(), *companions(state="queued", remote_id=None)], "at_aws": (items(0, 1),)},
        {"lost", "stuck"},
    ),
    "failed file that AWS has": (
        {"rows": [a_row(), *companions(state="failed", remote_id=None, reason_code="refused")]},
        {"unexplained"},
    ),
}


@pytest.mark.parametrize(("given", "harm"), SEEN.values(), ids=SEEN)
def test_judge_sees(given, harm):
    assert found(**given) == harm


def test_file_that_aws_refused_with_a_reason_is_no_harm():
    rows = [a_row(), *companions(state="failed", remote_id=None, reason_code="refused")]

    assert found(rows, at_aws=(items(0, 1),)) == set()


# --- requests ---------------------------------------------------------------------------------------------------------------
def a_request(number, operation=CONNECT.operation, **values):
    known = {"id": number, "operation": operation, "account": ACCOUNT.account_id}
    return known | {"invocation_id": f"call-{number}", "sdk_attempt": 1} | values


def an_attempt(kind="connect_case", outcome="done"):
    return {"account_id": ACCOUNT.account_id, "kind": kind, "outcome": outcome}


REQUESTS = {
    "as many as attempts": ([a_request(1), a_request(2)], [an_attempt(outcome="unknown"), an_attempt()], 0),
    "one more than attempts": ([a_request(1), a_request(2)], [an_attempt()], 1),
    "one for an attempt that was not sent": ([a_request(1)], [an_attempt(outcome="not_sent")], 1),
    "one that the SDK sent again": ([a_request(1, sdk_attempt=2)], [an_attempt()], 1),
    "one call that came in twice": (
        [a_request(1), a_request(2, invocation_id="call-1")],
        [an_attempt(), an_attempt()],
        1,
    ),
    "one for an attempt of another kind": ([a_request(1)], [an_attempt("connect_comment")], 1),
    "one to relate a file": (
        [a_request(1, CONNECT.operations["connect_file"])],
        [an_attempt("connect_file")],
        0,
    ),
}


@pytest.mark.parametrize(("requests", "attempts", "number"), REQUESTS.values(), ids=REQUESTS)
def test_judge_counts_requests(requests, attempts, number):
    assert len(truth.compare_requests(requests, attempts)) == number


# --- what the simulator really has ------------------------------------------------------------------------------------------
@pytest.fixture
def aws(sandbox):
    """Connect as it is in a run, by its own API."""
    CONNECT.furnish(sandbox, ACCOUNT)
    return AwsOfRun(sandbox)


class AwsOfRun:
    def __init__(self, sandbox):
        [self.told] = sandbox.connect_domains(ACCOUNT.account_id)
        self.domain_id = self.told["domainId"]
        clients = Clients(sandbox.url)
        self.cases, self.connect = clients.cases(ACCOUNT.account_id), clients.connect(ACCOUNT.account_id)

    def open(self, token, title=PLANNED.subject, **tags):
        [details] = [field["id"] for field in self.told["fields"] if field["name"] == CONNECT.body_name]
        given = {"title": title, details: PLANNED.body}
        return self.cases.create_case(
            domainId=self.domain_id,
            templateId=self.told["templates"][0]["id"],
            fields=[{"id": id_, "value": {"stringValue": text}} for id_, text in given.items()],
            tags=tags,
            clientToken=token,
        )

    def comment(self, case, body):
        content = {"comment": {"body": body, "contentType": "Text/Plain"}}
        named = {"domainId": self.domain_id, "caseId": case["caseId"]}
        return self.cases.create_related_item(**named, type="Comment", content=content)["relatedItemId"]

    def file(self, case, data):
        about = {"InstanceId": self.told["instanceId"], "AssociatedResourceArn": case["caseArn"]}
        begun = self.connect.start_attached_file_upload(
            **about, FileName="log.txt", FileSizeInBytes=len(data), FileUseCaseType="ATTACHMENT"
        )
        put(begun["UploadUrlMetadata"]["Url"], data, **begun["UploadUrlMetadata"]["HeadersToInclude"])
        self.connect.complete_attached_file_upload(**about, FileId=begun["FileId"])
        named = {"domainId": self.domain_id, "caseId": case["caseId"]}
        content = {"file": {"fileArn": begun["FileArn"]}}
        return self.cases.create_related_item(**named, type="File", content=content)["relatedItemId"]


def test_connect_case_is_read_with_all_that_goes_with_it(aws, sandbox):
    case = aws.open("token", **{"casesite-ref": "CS-1-1"})
    ids = [aws.comment(case, "Called twice.\n\nRef: CS-1-1"), *(aws.file(case, file.data) for file in FILES)]

    items_there = tuple(replace(item, remote_id=id_) for item, id_ in zip(PLANNED.items, ids, strict=True))
    assert CONNECT.at_aws(sandbox) == [replace(AT_AWS, remote_id=case["caseId"], items=items_there)]


def test_comment_with_the_reference_of_another_case_is_another_text(aws, sandbox):
    case = aws.open("token", **{"casesite-ref": "CS-1-1"})
    aws.comment(case, "Called twice.\n\nRef: CS-9-9")

    [there] = CONNECT.at_aws(sandbox)
    assert [item.content for item in there.items] == ["Called twice.\n\nRef: CS-9-9"]
    assert found(at_aws=[there]) == {"lost", "unexplained"}


def test_case_without_tags_is_known_by_its_title(aws, sandbox):
    aws.open("token", f"{PLANNED.subject} [CS-1-1]")

    assert [(case.marker, case.subject) for case in CONNECT.at_aws(sandbox)] == [("CS-1-1", PLANNED.subject)]


def test_request_under_two_tokens_is_seen_as_two_cases(aws, sandbox):
    first = aws.open("token", **{"casesite-ref": "CS-1-1"})
    aws.open("token", **{"casesite-ref": "CS-1-1"})
    assert len(CONNECT.at_aws(sandbox)) == 1
    aws.open("another token", **{"casesite-ref": "CS-1-1"})

    there = CONNECT.at_aws(sandbox)
    alone = replace(PLANNED, comment="", files=())
    assert found([a_row(remote_id=first["caseId"])], there, submitted=[alone]) == {"doubled"}
