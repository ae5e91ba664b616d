"""What a form with files has in common: which it holds, what the scanner says of them, and what is wrong with them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from casesite.cases import scans
from casesite.cases.limits import Limits
from casesite.cases.models import CaseFile, FileScan


class FilesInput(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(attrs={"multiple": True})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> None:
        """Files are kept before the form is looked at: they are in the form's `held`."""


class WithFiles:
    """For a form with a field `files`. `refused` says why files that came with it were not taken."""

    held: Sequence[CaseFile]
    refused: Sequence[ValidationError]
    file_limits: Limits
    submitting: bool

    @cached_property
    def scans(self) -> dict[str, FileScan]:
        return scans.of_files(self.held)

    @property
    def held_with_scans(self) -> list[tuple[CaseFile, dict[str, str] | None]]:
        """Each file with what a page shows of its scan."""
        return [(file, scans.state_of(file, self.scans)) for file in self.held]

    def clean_files(self) -> Sequence[CaseFile]:
        """What AWS does not take is named; a draft may keep it until it is submitted."""
        problems = list(self.refused)
        if self.submitting:
            for count, file in enumerate(self.held, start=1):
                problems += self.file_limits.problems_with(file.name, file.size, count)
            problems += scans.problems_with(self.held, self.scans)
        if problems:
            raise ValidationError(problems)
        return self.held
