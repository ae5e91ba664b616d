"""Tells softly where the words of a case and its severity disagree.

The words must be plain: "production is down" filed as low, "how do we" filed as critical. What is only likely is not said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LOW = frozenset({"low", "normal"})
HIGH = frozenset({"urgent", "critical"})
LONGEST = 20_000


class Doubt(StrEnum):
    """Which way words and severity disagree."""

    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"

    @property
    def message(self) -> Promise:
        return MESSAGES[self]


MESSAGES: dict[Doubt, Promise] = {
    Doubt.TOO_LOW: _(
        "The words sound more serious than this severity: AWS answers by the severity, and it can't be changed from here later."
    ),
    Doubt.TOO_HIGH: _("The words sound like a question: this severity pages engineers at AWS, who expect an outage."),
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A doubt and the words it rests on, as they were written."""

    doubt: Doubt
    words: str


_SHORT_GAP = r"(?:[^.!?\n;]|\.(?=\d)){0,25}?"
_WORK = r"(?:log ?in|sign ?in|order|pay|buy|check ?out|work|(?:access|reach|use|open) (?:the|our) (?:site|website|service|platform|portal|app|application|shop))\b"
_THING = (
    r"(?:production|prod|live|entire|whole|main|our|the|all|every|company|customer|web|online)?[ -]?(?:\w{1,20}[ -]){0,3}?"
    r"(?:production|prod|site|sites|website|platform|system|systems|service|services|shop|store|app|application|applications|api|apis"
    r"|cluster|database|databases|environment|region|account|checkout|payments?|business|backend|everything|login|portal|infrastructure|[a-z]{2}-[a-z]{4,9}-\d)"
)
_DOWN = (
    r"(?:(?:is|are|'s|has been|have been|went|gone|remains?|still|currently|completely|totally|now|all)[ ]){1,4}"
    r"(?:down|offline|unavailable|unreachable|not (?:available|reachable|responding|working)|dead|inaccessible|out of service)"
)
_PEOPLE = r"(?:customers?|users?|clients?|employees|tenants|visitors|patients|merchants|shops|stores|orders|payments)"
_CANNOT = r"(?:affected|impacted|unable to|cannot|can't|can not|locked out|without service|blocked|failing|fail)"
OUTAGE = re.compile(
    "|".join(
        (
            rf"\b{_THING} {_DOWN}\b",
            r"\b(?:production|prod|site|service|system|platform|website|database|cluster) down\b",
            rf"\b(?:all|every|each|100 ?%|most)(?: of)?(?: our| the)? (?:\w{{1,20}} ){{0,2}}{_PEOPLE} {_SHORT_GAP}{_CANNOT}\b",
            rf"(?:^|[.!?\n][ ]{{0,3}}|\b(?:our|the) )(?:customers|clients|users) (?:are (?:currently )?unable to|cannot|can't|can not) {_WORK}",
            rf"\b(?:no|none of our) {_PEOPLE} can\b|\bno(?:body|[ -]one) can (?:log ?in|sign ?in|order|pay|buy|work|connect|use)\b",
            r"\b(?:complete|total|full|major|widespread|ongoing|production|global|company-wide) outage\b|\boutage (?:in|of|on) (?:our )?production\b",
            r"\b(?:losing|lose|lost) (?:\w{1,20} ){0,2}(?:money|revenue|orders|sales|data|customers) (?:every|each|per|by the|right now|now|as we|since|hourly)\b",
            r"\bbusiness[ -]critical (?:\w{1,20} ){0,2}(?:down|outage|stopped|failing|affected|unavailable)\b|\bbusiness (?:has|is) stopped\b",
            r"\b(?:ongoing|active) (?:data loss|security incident|breach|attack)\b|\bpatient safety\b",
            # Japanese, Spanish, French, Portuguese, German
            r"本番(?:環境|系|サービス)?[^。\n]{0,15}(?:停止|ダウン|落ち|利用できな|アクセスできな|つながらな)|(?:全|すべての)(?:ての)?(?:顧客|ユーザー|お客様|利用者)[^。\n]{0,20}(?:影響|できな)",
            r"producción[^.\n]{0,30}(?:caíd[ao]|ca[íi]do|no (?:funciona|responde|disponible))|todos (?:nuestros|los) (?:clientes|usuarios)[^.\n]{0,40}(?:afectados|no pueden)",
            r"production[^.\n]{0,30}(?:est (?:en panne|à l'arrêt|hors service|indisponible|tombée))|tous (?:nos|les) (?:clients|utilisateurs)[^.\n]{0,40}(?:touchés|impactés|ne peuvent)",
            r"produção[^.\n]{0,30}(?:fora do ar|parad[ao]|indispon[íi]vel|caiu)|todos os (?:nossos )?(?:clientes|usuários)[^.\n]{0,40}(?:afetados|não conseguem)",
            r"produktion(?:ssystem|sumgebung|sdatenbank)?[^.\n]{0,30}(?:steht|ausgefallen|nicht erreichbar|ist down|liegt lahm)|alle (?:unsere )?(?:kunden|benutzer|nutzer|anwender)[^.\n]{0,40}(?:betroffen|können nicht|können sich nicht)",
        )
    ),
    re.IGNORECASE,
)
# Not now, not here, not so: in the same sentence these take the alarm back.
NOT_AN_OUTAGE = re.compile(
    r"\bno(?:t| longer)\b(?! (?:available|reachable|responding|working|able))|\bwithout\b|\bnever\b|\bif\b|\bwhen(?:ever)? (?:a|an|one|our|the|any)\b"
    r"|\bin case\b|\bwould\b|\bcould (?:be|go|take)\b|\bmight\b|\bmay (?:be|go)\b|\bavoid\b|\bprevent|\bplan(?:ned|ning)?\b|\bfor example\b|\bsimulat"
    r"|\bwas down\b|\bwere down\b|\bwent down (?:yesterday|last|on)\b|\byesterday\b|\blast (?:week|month|night|year)\b|\bresolved\b|\brecovered\b|\brestored\b"
    r"|\broot cause\b|\brca\b|\bpost[ -]?mortem\b|\bdocumentation\b|\bdocs\b|\bstaging\b|\btest(?:ing)? (?:site|system|environment|cluster|account|database|stage|service)"
    r"|\bdev(?:elopment)? (?:site|system|environment|cluster|account|database)|\bsandbox\b|\bqa\b|\bnon-?prod|\bpre-?prod|scal\w+ down|\bslow"
    r"|検証環境|開発環境|テスト環境|昨日|していません|ていない|復旧",
    re.IGNORECASE,
)
QUESTION = re.compile(
    "|".join(
        (
            r"\b(?:how|where|when) (?:do|can|should|could|would|may) (?:i|we|one|you)\b(?! (?:recover|restore|get (?:it|this|them) back|mitigate|fix))",
            r"\bhow to (?!recover|restore|mitigate|fix)\w+",
            r"\b(?:a|one|two|some|quick|general|short|simple|further|following) questions?\b|^(?:re: )?questions?\b",
            r"\bis (?:it|there) (?:possible|a way|any way|supported|recommended|planned)\b|\bdo(?:es)? (?:aws|you|it) support\b",
            r"\bwhat(?: is|'s| are) the (?:best|recommended|right|preferred|difference)\b|\bbest practices?\b|\bgeneral guidance\b|\bwhich (?:one|option|way) (?:is|should|would)\b",
            r"\bfeature request\b|\b(?:would|we'd|i'd) like to (?:know|understand|learn|ask)\b|\bwe are (?:wondering|curious|evaluating|planning|considering)\b|\bwhen will (?:the|you|aws|it)\b|\b(?:please|can you|could you) (?:explain|clarify|confirm|recommend|advise)\b",
            r"\bno (?:rush|hurry)\b|\bnot (?:that |very |really |so )?urgent\b|\bwhenever you (?:have|find|get) (?:time|a moment)\b|\bfor (?:our )?information only\b|\bjust (?:asking|curious|wondering)\b",
            r"(?:質問|教えて(?:ください|いただ)|ご教示|可能でしょうか|方法を知りたい|急ぎでは)",
            r"\b(?:una|tengo una) (?:pregunta|consulta|duda)\b|¿(?:cómo|es posible|cuál)\b|\bmejores prácticas\b|\bno es urgente\b",
            r"\b(?:une|j'ai une) question\b|\bcomment (?:peut-on|puis-je|faire|pouvons-nous)\b|\best-il possible\b|\bbonnes pratiques\b|\bpas urgent\b",
            r"\b(?:uma|tenho uma) (?:pergunta|dúvida)\b|\bcomo (?:posso|podemos|faço|fazer)\b|\bé possível\b|\bmelhores práticas\b|\bnão é urgente\b",
            r"\b(?:eine|ich habe eine|kurze|allgemeine) frage\b|\bwie (?:kann|können|soll|sollten) (?:ich|wir|man)\b|\bist es möglich\b|\bnicht (?:so )?(?:dringend|eilig)\b",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
# Something that is broken now: a question beside it is how people ask for help.
TROUBLE = re.compile(
    r"\b(?:down|outage|offline|unavailable|unreachable|not responding|not working|stopped|crash\w*|failing|fails|failed|failure|broken|impacted|affected"
    r"|blocked|stuck|error rate|5\d\d (?:errors?|responses?)|timing out|timeouts?|time-?outs|cannot|can't|unable to|lost|losing|corrupt\w*|breach\w*"
    r"|compromised|degraded|data loss|incident|emergency|urgent(?:ly)?|asap|immediately|locked out|ransom\w*|attack\w*|deleted)\b"
    r"|障害|停止|ダウン|エラー|できな|落ち|緊急|caíd|no funciona|no responde|panne|indisponible|ne fonctionne|fora do ar|indispon|não funciona"
    r"|ausfall|ausgefallen|gestört|nicht erreichbar|fehler",
    re.IGNORECASE,
)
CALM = re.compile(
    r"\bno (?:rush|hurry)\b|\bnot (?:that |very |really |so )?urgent\b|\bwhenever you (?:have|find|get) (?:time|a moment)\b|急ぎでは"
    r"|\bno es urgente\b|\bpas urgent\b|\bnão é urgente\b|\bnicht (?:so )?(?:dringend|eilig)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[!?\n;。]|\.(?!\d)")


def disagreement(severity_code: str, subject: str, description: str) -> Disagreement | None:
    """What speaks against the severity chosen, or None."""
    text = f"{subject}\n{description}"[:LONGEST]
    if severity_code in LOW and (words := _outage(text)):
        return Disagreement(Doubt.TOO_LOW, words)
    if severity_code in HIGH and (words := _question(text)):
        return Disagreement(Doubt.TOO_HIGH, words)
    return None


def _outage(text: str) -> str | None:
    for match in OUTAGE.finditer(text):
        if not NOT_AN_OUTAGE.search(_sentence(text, match)):
            return match[0].strip()
    return None


def _question(text: str) -> str | None:
    """A question is one only where nothing is said to be broken, or where the agent says that there is no hurry."""
    if calm := CALM.search(text):
        return calm[0]
    question = QUESTION.search(text)
    return question[0].strip() if question and not TROUBLE.search(text) else None


def _sentence(text: str, match: re.Match[str]) -> str:
    from_here = max(0, match.start() - 200)
    start = max((end.end() for end in SENTENCE_END.finditer(text, from_here, match.start())), default=from_here)
    end = SENTENCE_END.search(text, match.end())
    return text[start : min(end.start() if end else len(text), match.end() + 200)]
