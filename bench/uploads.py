"""Ten files of 150 MB through the web process and the worker: what they hold in memory meanwhile."""

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request

from bench.figures import Figure, at_most, say
from bench.processes import family, pss, rss
from tests.e2e.office import CATEGORY, SERVICE, Account, Case, Office
from tests.sites import Site

COUNT, SIZE, PIECE = 10, 150 * 2**20, 2**20
GOAL_BOTH, GOAL_WEB = 300, 50
HOW = (
    "Files",
    f"One case with {COUNT} files of {SIZE // 2**20} MiB each, posted with the form in one request, approved, and delivered by the worker to the "
    "simulator with AWS's upload links. Every 50 ms the resident memory (RSS) of the web process and the worker is added up, shared pages counted "
    "in both; beside it the same in shares (PSS). The raise of the web process is that of its RSS over what it had after a first page and a first case.",
)
MAY_UPLOAD = """
from casesite.catalog.known import MAY_UPLOAD
from casesite.teams.models import AwsAccount
found = [{{"name": "Upload large files", "state": "good", "text": "", "todo": "", "code": MAY_UPLOAD}}]
AwsAccount.objects.filter(account_id={number!r}).update(check_details=found)
"""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.start(Path(folder), time_scale=1, extra_env={"CASESITE_DRY_RUNS": "false"})
        try:
            return _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> list[Figure]:
    office = Office(site)
    account, other = office.account(), office.account()
    site.manage("shell", "--verbosity", "0", "-c", MAY_UPLOAD.format(number=account.account_id))
    first = other.submit("A case without files")
    first.approve()
    first.wait_for("delivered")
    with Watch(site) as watch:
        began = time.monotonic()
        case = _post(account)
        posted = time.monotonic()
        at_upload = watch.web_most
        case.approve()
        case.wait_for("delivered", seconds=300)
    case.assert_delivered_once()
    ended = time.monotonic()
    say(f"  posted in {posted - began:.1f} s, delivered in {ended - posted:.1f} s")
    beside = f"PSS {watch.both_pss:.0f} MiB; web {watch.web_most:.0f}, worker {watch.worker_most:.0f} at their own peaks (RSS)"
    raised = f"from {watch.web_first:.0f} to {watch.web_most:.0f} MiB; {at_upload:.0f} once all was received"
    return [
        at_most(
            "Web and worker with ten files of 150 MiB, RSS at the peak", watch.both, GOAL_BOTH, "MiB", beside=beside
        ),
        at_most(
            "What they raise the web process by, RSS", watch.web_most - watch.web_first, GOAL_WEB, "MiB", beside=raised
        ),
    ]


def _post(account: Account) -> Case:
    """The form with all files, as a browser without scripts sends it."""
    agent = account.office.agent
    page = agent.get("/cases/new/support/")
    form = page.form_with("form_token")
    key = account.office.site.rows("SELECT id FROM teams_awsaccount WHERE account_id = ?", account.account_id)[0]["id"]
    chosen = {"account": str(key), "service_code": SERVICE, "category_code": CATEGORY, "severity_code": "normal"}
    written = {"subject": "With ten large files", "communication_body": "The cores of db-1.", "action": "submit"}
    boundary = secrets.token_hex(16)
    parts = Parts(boundary, form.fields | chosen | written)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(parts.length)}
    with agent._open(Request(page.url, parts, headers), timeout=300) as answer:
        text = answer.read().decode()
        assert "data-state" in text, f"not submitted: {text[:6000]}"
        return Case(account, answer.url.rstrip("/").rpartition("/")[2], answer)


class Parts:
    """The body, made while it is sent: it never stands whole anywhere."""

    def __init__(self, boundary: str, fields: dict[str, str]) -> None:
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        self._fields = "".join(lines).encode()
        self._heads = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="core-{number}.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode()
            for number in range(COUNT)
        ]
        self._end = f"--{boundary}--\r\n".encode()

    @property
    def length(self) -> int:
        return len(self._fields) + sum(len(head) + SIZE + 2 for head in self._heads) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        yield self._fields
        for head in self._heads:
            piece = os.urandom(PIECE)  # another one for each, so that none is stored for another
            yield head
            for _piece in range(SIZE // PIECE):
                yield piece
            yield b"\r\n"
        yield self._end


class Watch:
    """The memory of web and worker while the block runs: the most of each, of both together, and at the start."""

    def __init__(self, site: Site) -> None:
        self._web, self._worker = list(family(site.pids["web"])), list(family(site.pids["worker"]))
        self.web_first = self.web_most = rss(self._web)
        self.worker_most = self.both = self.both_pss = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_raised: Any) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            web, worker = rss(self._web), rss(self._worker)
            self.web_most, self.worker_most = max(self.web_most, web), max(self.worker_most, worker)
            self.both = max(self.both, web + worker)
            self.both_pss = max(self.both_pss, pss([*self._web, *self._worker]))
