"""Which words a case is found by, told from the row and told from the index: both databases, every script."""

import pytest
from django.db import connection

from casesite.cases import word_index
from casesite.cases.models import Case
from casesite.cases.search import Search
from casesite.cases.words import MOST_WORDS, wanted, words_of
from tests.factories import a_draft, a_team, a_user, an_account


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("RDS failover", ["rds", "failover"]),
        ("i-00f00ab", ["i-00f00ab", "-00f00ab", "00f00ab", "f00ab", "00ab", "ab"]),
        ("LambdaTimeout", ["lambdatimeout", "timeout"]),
        ("(db-1)", ["(db-1)", "db-1)", "-1)", "1)", ")"]),
        ("障害ログ", ["障害ログ", "害ログ", "ログ", "グ"]),
        ("ＲＤＳ Straße", ["rds", "strasse"]),
        ("x😀y", ["x😀y", "😀y", "y"]),
        ("  \t\n ", []),
        ("a" * 40, ["a" * 24]),
    ],
)
def test_words_begin_where_people_see_them_begin(subject, words):
    assert words_of(subject).split() == words


def test_words_of_a_long_search_are_not_without_end():
    assert len(wanted("a b c d e f g h i j k l m n o p")) == MOST_WORDS


SUBJECTS = (
    "RDS failover took 11 minutes",
    "Failover of nothing",
    "LambdaTimeout in eu-west-1 (db-1)",
    "東京リージョンでRDSに接続できない",
    "請求書の金額が違う 𠮷野家 😀😀",
    "Ünïcode und Straße, ＦＵＬＬ ｗｉｄｔｈ",
    "This is 100% of a_b \\ here; 'quoted' \"twice\"",
    "xyz AND NOT OR near(*) ^caret {curly}: -minus +plus",
    "ไม่สามารถเชื่อมต่อ",
    "",
)


@pytest.fixture
def team(db, bells):
    return a_team()


@pytest.fixture
def cases(team):
    author, account = a_user(team=team), an_account(team)
    drafts = [a_draft(by=author, account=account, subject=subject) for subject in SUBJECTS]
    for number, draft in enumerate(drafts):
        draft.reference = f"CS-9999-999{number}"  # a random one may begin with any word
        draft.save()
    return drafts


def by_row(text, team):
    return sorted(Case.objects.filter(team=team).filter(Search(text).near()).values_list("subject", flat=True))


def by_index(text, team):
    return sorted(Case.objects.filter(team=team).filter(Search(text).far(team.pk)).values_list("subject", flat=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("failover", [0, 1]),
        ("minutes FAILOVER", [0]),
        ("timeout", [2]),
        ("db-1", [2]),
        ("eu-west", [2]),
        ("接続", [3]),
        ("リージョンでRDSに接続できない", [3]),
        ("𠮷野家", [4]),
        ("😀", [4]),
        ("rds", [0, 3]),
        ("STRASSE ünï", [5]),
        ("full width", [5]),
        ("100%", [6]),
        ("%", [6]),
        ("_b", [6]),
        ("\\", [6]),
        ("'", [6]),
        ('"twice"', [6]),
        ("AND", [7]),
        ("NOT", [1, 7]),
        ("near(*)", [7]),
        ("^caret", [7]),
        ("{curly}:", [7]),
        ("-minus +plus", [7]),
        ("เชื่อม", [8]),
        ("x' OR '1", []),
        ('" OR "', []),
        ("nothing at all", []),
        ("& | ! <-> :*", []),
        ("*", [7]),
    ],
)
def test_row_and_index_find_the_same(cases, team, text, found):
    expected = sorted(SUBJECTS[at] for at in found)

    assert by_row(text, team) == by_index(text, team) == expected


def test_case_is_found_by_each_part_of_its_reference(cases, team):
    case = cases[1]

    for text in (case.reference, case.reference.lower(), case.reference[3:], case.reference[8:], case.reference[8:10]):
        assert case.subject in by_row(text, team)
        assert by_row(text, team) == by_index(text, team)


def test_another_teams_cases_are_not_among_those_of_a_team(cases, team):
    other = a_draft(subject=SUBJECTS[0])

    assert list(Case.objects.filter(Search("failover took").far(team.pk))) == [cases[0]]
    assert list(Case.objects.filter(Search("failover took").far(other.team_id))) == [other]


def test_index_follows_every_change(cases, team):
    changed = Case.objects.get(pk=cases[0].pk)
    changed.subject = "Snapshot is gone"
    changed.save()
    Case.objects.filter(pk=cases[1].pk).update(subject="Quota of vCPUs")
    other = a_team()
    Case.objects.filter(pk=cases[2].pk).update(team=other)

    assert by_index("failover", team) == by_row("failover", team) == []
    assert by_index("snapshot", team) == ["Snapshot is gone"]
    assert by_index("vcpu", team) == ["Quota of vCPUs"]
    assert by_index(cases[1].reference[8:], team) == ["Quota of vCPUs"]
    assert (by_index("lambda", team), by_index("lambda", other)) == ([], [SUBJECTS[2]])


def test_index_forgets_what_is_deleted(cases, team):
    case = Case.objects.get(pk=cases[0].pk)
    case.events.all().delete()
    case.delete()

    assert by_index("took", team) == []
    assert by_index("failover", team) == [SUBJECTS[1]]


def test_index_is_looked_after_where_a_table_was_made_anew(cases, team):
    """SQLite drops triggers with a table, and Django alters tables by making them anew."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER cases_word_added")

    word_index.look_after()
    a_draft(by=cases[0].author, account=cases[0].account, subject="Afterwards")

    assert by_index("afterwards", team) == ["Afterwards"]
