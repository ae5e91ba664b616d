"""What a good description says, and which of it one says already.

Simple rules that an agent can see through: a tick means that there is something of the kind, not that it is enough. What is
missing can be appended as headed lines to be filled in; a heading with nothing behind it ticks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LONGEST = 20_000


class Item(StrEnum):
    """What AWS's engineers ask for first, in the order in which it reads well."""

    WHAT = "what"
    SINCE = "since"
    REGION = "region"
    RESOURCES = "resources"
    IMPACT = "impact"
    TRIED = "tried"

    @property
    def label(self) -> Promise:
        """For a check list."""
        return LABELS[self]

    @property
    def heading(self) -> Promise:
        """For a line in the description."""
        return HEADINGS[self]


LABELS: dict[Item, Promise] = {
    Item.WHAT: _("What happens, with the exact error"),
    Item.SINCE: _("Since when"),
    Item.REGION: _("Region"),
    Item.RESOURCES: _("Resource ids or ARNs"),
    Item.IMPACT: _("Who is affected, and how"),
    Item.TRIED: _("What was tried"),
}
HEADINGS: dict[Item, Promise] = {
    Item.WHAT: _("What happens (exact error)"),
    Item.SINCE: _("Since when (UTC)"),
    Item.REGION: _("Region"),
    Item.RESOURCES: _("Resource ids or ARNs"),
    Item.IMPACT: _("Who is affected, and how"),
    Item.TRIED: _("What was tried"),
}

_DAY = r"(?:yesterday|today|this (?:morning|afternoon|evening|week)|last (?:night|week|month)|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
RULES: dict[Item, re.Pattern[str]] = {
    Item.WHAT: re.compile(
        "|".join(
            (
                r"\b[A-Z][A-Za-z]{2,40}(?:Exception|Error|Fault|Failure|Exceeded|Denied|NotFound|Throttl\w{1,10})\b",
                r"\b(?i:http|status|code|error|errno|exit)(?i:[ -]?(?:code|status))?[ :=#]{0,3}\d{1,5}\b|\b[45]\d\d (?i:errors?|responses?|bad|internal|service|gateway|not|forbidden)",
                r"(?i:\b(?:answers?|returns?|gets?|with|see|responds? with)) (?:an? |HTTP |only )?(?:[45]\d\d|[45]xx)\b",
                r"(?i:\berror(?: message| code)?|\bmessage|エラー(?:メッセージ)?|\bfehler(?:meldung)?|\berreur|\berro)\s?[:：=]\s?[^\s]",
                r"\b(?:FATAL|ERROR|PANIC|CRITICAL)\b[: ]|(?i:\bfail(?:s|ed|ing)?(?: with)?: ?\S)",
                r"(?i:access ?denied|permission denied|connection (?:refused|reset)|timed? ?out|out of memory|no such|not authorized|unauthori[sz]ed"
                r"|rate exceeded|broken pipe|segmentation fault|stack trace|traceback|signal 9|oomkilled|crashloopbackoff)",
                r"[\"“'`「][^\"”'`」\n]{0,200}(?i:error|denied|fail|exceeded|timeout|timed out|refused|invalid|unable|cannot|エラー|失敗)[^\"”'`」\n]{0,200}[\"”'`」]",
                r"[45]\d\d ?(?:エラー|-Fehler)|(?:エラー|Fehler|erreur|error|erro) [45]\d\d|タイムアウト",
            )
        )
    ),
    Item.SINCE: re.compile(
        "|".join(
            (
                r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{4}/\d{1,2}/\d{1,2}\b|\d{1,2}月\d{1,2}日",
                r"\b\d{1,2}:\d\d(?::\d\d)?\b|\b\d{1,2} ?(?:am|pm|utc|gmt|o'clock|uhr)\b|\d{1,2}時",
                rf"\b(?:since|from|started|starting|began|begins|first seen|first noticed|as of|on|until) (?:about |around |approximately |at |on |the )?{_DAY}",
                rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?)\b|\b{_DAY}\b",
                r"\b(?:\d{1,3}|an?|one|two|three|few|several|couple of) (?:minutes?|hours?|days?|weeks?|months?) ago\b|\bfor (?:the (?:last|past) )?(?:\d{1,3}|two|three|several) (?:minutes|hours|days|weeks)\b",
                r"\b(?:seit|ab) (?:heute|gestern|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|\d)|\bdepuis (?:hier|ce matin|\d|lundi|mardi|mercredi|jeudi|vendredi)"
                r"|\bdesde (?:ayer|ontem|hoy|hoje|las|el|esta|as|o|\d)|昨日から|今朝から|本日|今日から|先週から|頃から",
                r"\bsince (?:the |our |your )?(?:deployment|release|upgrade|update|migration|maintenance|change|patch)\b",
            )
        ),
        re.IGNORECASE,
    ),
    Item.REGION: re.compile(
        r"\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso-|isob-)?(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d\b"
        r"|\b(?:use|usw|euw|euc|apne|apse)\d-az\d\b"
        r"|\b(?:N\. ?|North(?:ern)? )(?:Virginia|California)\b|\b(?:Ohio|Oregon|Ireland|Frankfurt|London|Paris|Stockholm|Milan|Zurich|Spain|Tokyo|Osaka|Seoul|Mumbai"
        r"|Singapore|Sydney|Jakarta|Hong Kong|S[ãa]o Paulo|Bahrain|Cape Town|Canada Central|GovCloud)\b"
        r"|\b(?:[Aa]ll|[Ee]very|[Bb]oth|[Aa]ny|[Oo]ther|[Ss]everal|[Gg]lobal) [Rr]egions?\b|東京リージョン|大阪リージョン|バージニア|全リージョン"
    ),
    Item.RESOURCES: re.compile(
        "|".join(
            (
                r"\barn:aws[a-z-]{0,12}:[a-z0-9-]{2,40}:",
                r"\b(?:i|vpc|subnet|sg|sgr|vol|snap|ami|eni|igw|nat|rtb|acl|eipalloc|eipassoc|vpce|tgw|tgw-attach|vpn|cgw|vgw|pcx|lt|fs|fsap|dopt|r|j|db|cluster|mi|dxcon|dxvif)-[0-9a-f]{8,17}\b",
                r"\bs3://[\w.-]{3,63}|\b[\w.-]{3,100}\.(?:amazonaws\.com|cloudfront\.net|awsapps\.com|awsapprunner\.com|elasticbeanstalk\.com)\b",
                r"\b(?:E[0-9A-Z]{13}|Z[0-9A-Z]{12,31}|j-[0-9A-Z]{10,14}|db-[0-9A-Z]{26})\b",
                r"(?i:\b(?:bucket|function|table|queue|topic|cluster|instance|stack|distribution|role|user pool|volume|database|load balancer|repository|pipeline|domain"
                r"|stream|job|state machine|key|endpoint|account|api|node ?group|task definition|resource)s?(?: name| id)?)(?: is)?[ :=]{1,3}[\"'`“][\w./:-]{2,100}",
                r"(?i:\b(?:bucket|function|table|queue|cluster|instance|stack|distribution|volume|database|db instance|role|load balancer|resource|resources)(?: name| id)?s?)[:=] ?[\w./-]{3,100}",
                r"(?i:request[ -]?ids?)\W{1,3}(?=[0-9A-Fa-f-]{0,60}\d)[0-9A-Za-z-]{8,60}",
                r"\b(?:[a-z0-9]{1,30}[-_]){1,6}[a-z0-9]{0,30}(?:prod|prd|production)(?:[-_][a-z0-9]{1,30}){0,6}\b|\b(?:prod|prd|production)(?:[-_][a-z0-9]{1,30}){1,6}\b",
            )
        )
    ),
    Item.IMPACT: re.compile(
        "|".join(
            (
                r"(?<![-_\w])(?:customers?|users?|clients?|tenants?|visitors?|colleagues|employees|team|teams|orders?|payments?|checkout|shops?|revenue|sales|business|production|prod|deadline|launch|go-live|release"
                r"|everyone|everybody|nobody)\b(?![-_])[^.!?\n]{0,60}\b(?:affected|impacted|impact|cannot|can't|can not|unable|blocked|waiting|lost|losing|delayed|fail\w*|see|get|getting|down|complain\w*|stopped|slow\w*|at risk|missing|late)\b",
                r"\b(?:affect(?:s|ed|ing)?|impact(?:s|ed|ing)?|block(?:s|ed|ing)?|prevent(?:s|ed|ing)?|delay(?:s|ed|ing)?)\b[^.!?\n]{0,60}\b(?:customers?|users?|clients?|tenants?|us|our|team|teams|orders?|payments?|production|business|release|launch|deployment|everyone|all|nobody|internal|only|\d+ ?%)",
                r"\b(?:business|customer|production) impact\b|\bimpact ?[:：=]\s?[^\s]|\bno (?:customer |production |business )?impact\b|\b(?:only|just) (?:internal|test|staging|development|dev|a test|our test)\b",
                r"\b(?:about |around |~)?\d{1,3}(?:[.,]\d{1,2})? ?(?:%|percent)(?: of)?(?: all| our| the)? (?:requests?|calls?|users?|customers?|orders?|traffic|invocations|messages)",
                r"\b\d[\d.,']{0,10} (?:customers|users|clients|tenants|orders|employees|people)\b|\b(?:all|many|most|some|several|few) (?:of )?(?:our )?(?:customers|users|clients|tenants)\b",
                r"\b(?:we|our [\w ]{1,30}) (?:are|is) (?:losing|blocked|down|unable)\b|\boutage\b|\bproduction is (?:down|not affected)\b",
                r"影響|顧客|利用者|ユーザー(?:が|に|は)|お客様|betroffen|kunden|benutzer|clientes|usuarios|usuários|utilisateurs|\bnos clients|impacté|afectad|afetad",
            )
        ),
        re.IGNORECASE,
    ),
    Item.TRIED: re.compile(
        "|".join(
            (
                r"(?:^|[.;]\s)(?:checked|tested|looked)\b",
                r"\b(?:tried|attempted|restarted|rebooted|redeployed|re-deployed|rolled back|reverted|recreated|re-created|reinstalled|rotated|disabled|re-enabled|retried|reproduced|verified"
                r"|compared|cleared|upgraded|downgraded|swapped|replaced|detached|reattached|failed over|ruled out|followed (?:the|your|this))\b",
                r"\b(?:we|i|have|has|already|also) (?:have |has |already |also ){0,2}(?:checked|tested|increased|changed|moved|added|removed|opened|switched|ran|set|looked|updated|enabled|stopped|started)\b",
                r"\b(?:work-?around|without success|did(?:n't| not) help|no change|same result|same error with|still the same|nothing tried|not tried anything)\b",
                r"試し|再起動|再デプロイ|確認しました|確認済|ロールバック|切り戻し|versucht|neu gestartet|neugestartet|getestet|überprüft|zurückgerollt|essayé|redémarré|vérifié|testé"
                r"|probado|intentado|reiniciado|reiniciamos|verificado|tentamos|tentei|testamos|verificamos|reiniciei",
            )
        ),
        re.IGNORECASE | re.MULTILINE,
    ),
}


def said(text: str) -> frozenset[Item]:
    """What a description says already."""
    written = _without_empty_headings(text[:LONGEST])
    return frozenset(item for item, rule in RULES.items() if rule.search(written))


def missing(text: str) -> list[Item]:
    """What it does not say, in the check list's order."""
    found = said(text)
    return [item for item in Item if item not in found]


def missing_as_headings(text: str, items: Iterable[Item] | None = None, room: int | None = None) -> str:
    """The lines to append: a heading for each that is missing and not yet there, parted from what was written. May be empty.

    `items` are those to ask for, else all that the text does not say; no more is appended than `room` characters.
    """
    there = {line.strip().removesuffix(":") for line in text.splitlines()}
    apart = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    appended = ""
    for item in missing(text) if items is None else items:
        if str(item.heading) not in there:
            longer = (appended or apart) + ("\n" if appended else "") + f"{item.heading}:\n"
            if room is None or len(longer) <= room:
                appended = longer
    return appended


def _without_empty_headings(text: str) -> str:
    """Headings are left out of account: filled in or not, what they ask is not an answer."""
    headings = {f"{item.heading}:" for item in Item}
    return "\n".join("" if line.strip() in headings else line for line in text.splitlines())
