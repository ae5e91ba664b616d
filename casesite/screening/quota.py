"""Recognises a request for a higher service quota, which AWS's Support API does not take, and knows where it belongs.

What is recognised is a request: somebody wants a quota or limit raised. That a limit was hit, that calls are throttled, or
that a limit of the program's own is too low (memory, time-out, size of an upload) is something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

# Service codes of Support, and those of Service Quotas for the same thing. They agree on nothing.
QUOTAS_CODES = {
    "amazon-acm-service": "acm",
    "amazon-athena": "athena",
    "amazon-batch": "batch",
    "amazon-cloudfront": "cloudfront",
    "amazon-cloudwatch": "monitoring",
    "amazon-cognito": "cognito-idp",
    "amazon-dynamodb": "dynamodb",
    "amazon-elastic-block-store": "ebs",
    "amazon-elastic-compute-cloud-linux": "ec2",
    "amazon-elastic-compute-cloud-windows": "ec2",
    "amazon-elastic-file-system": "elasticfilesystem",
    "amazon-elastic-mapreduce": "elasticmapreduce",
    "amazon-elasticache": "elasticache",
    "amazon-kinesis": "kinesis",
    "amazon-lightsail": "lightsail",
    "amazon-redshift": "redshift",
    "amazon-relational-database-service-aurora": "rds",
    "amazon-relational-database-service-aurora-postgres": "rds",
    "amazon-relational-database-service-postgresql": "rds",
    "amazon-route53": "route53",
    "amazon-simple-notification-service": "sns",
    "amazon-simple-queue-service": "sqs",
    "amazon-simple-storage-service": "s3",
    "amazon-virtual-private-cloud": "vpc",
    "api-gateway": "apigateway",
    "aws-cloudformation": "cloudformation",
    "aws-direct-connect": "directconnect",
    "aws-elastic-beanstalk": "elasticbeanstalk",
    "aws-glue": "glue",
    "aws-identity-and-access-management": "iam",
    "aws-lambda": "lambda",
    "aws-organizations": "organizations",
    "aws-step-functions": "states",
    "aws-storage-gateway": "storagegateway",
    "aws-web-application-firewall": "waf",
    "config-service": "config",
    "connect": "connect",
    "ec2-container-service": "ecs",
    "elastic-load-balancing": "elasticloadbalancing",
    "guardduty": "guardduty",
    "key-management-service": "kms",
    "secrets-manager": "secretsmanager",
    "service-backup": "backup",
    "service-bedrock": "bedrock",
    "service-eks": "eks",
    "service-eventbridge": "events",
    "service-global-accelerator": "globalaccelerator",
    "service-security-hub": "securityhub",
    "systems-manager": "ssm",
}
# A service's names, and things by which it is known where nothing names one; the narrower services first.
SERVICE_WORDS = (
    ("fargate", r"fargate", ""),
    ("sagemaker", r"\bsagemaker", ""),
    ("bedrock", r"\bbedrock", ""),
    ("eks", r"\beks\b|kubernetes", ""),
    ("ecs", r"\becs\b", ""),
    ("ecr", r"\becr\b", ""),
    ("elasticmapreduce", r"\bemr\b", ""),
    ("lambda", r"\blambda", ""),
    ("sqs", r"\bsqs\b", ""),
    ("sns", r"\bsns\b", r"\bsms\b"),
    ("ses", r"\bses\b", r"sending (?:quota|limit|rate)"),
    ("s3", r"\bs3\b", r"\bbuckets?\b"),
    ("dynamodb", r"dynamodb", ""),
    ("elasticache", r"elasticache", ""),
    ("rds", r"\brds\b|\baurora\b", ""),
    ("redshift", r"\bredshift\b", ""),
    ("cloudfront", r"cloudfront", ""),
    ("route53", r"route ?53", r"hosted zones?"),
    ("apigateway", r"api gateway", ""),
    ("states", r"step functions?", r"state machines?"),
    ("cloudformation", r"cloudformation", ""),
    ("elasticfilesystem", r"\befs\b", ""),
    ("ebs", r"\bebs\b", r"\bgp[23]\b|\bio[12]\b"),
    ("elasticloadbalancing", r"load balancers?|\b[an]lb\b", r"target groups?"),
    ("ec2", r"\bec2\b", r"elastic ips?|\beips?\b|vcpus?|on-demand|spot instances?|[pg]\d[a-z]*\.\w*large"),
    ("vpc", r"\bvpcs?\b", r"security groups?|subnets?|internet gateways?|nat gateways?|route tables?"),
    ("iam", r"\biam\b", r"\broles per account"),
    ("organizations", r"aws organizations", r"member accounts|number of accounts"),
    ("kms", r"\bkms\b", ""),
    ("glue", r"\bglue\b", ""),
    ("kinesis", r"kinesis", ""),
)
NAMES = tuple((re.compile(names, re.IGNORECASE | re.ASCII), code) for code, names, _things in SERVICE_WORDS)
NAMES_AND_THINGS = tuple(
    (re.compile(f"{names}|{things}" if things else names, re.IGNORECASE | re.ASCII), code)
    for code, names, things in SERVICE_WORDS
)
GLOBAL = frozenset({"cloudfront", "globalaccelerator", "iam", "organizations", "route53", "waf"})
CONSOLES = {
    "aws": ("console.aws.amazon.com", "us-east-1"),
    "aws-us-gov": ("console.amazonaws-us-gov.com", "us-gov-west-1"),
    "aws-cn": ("console.amazonaws.cn", "cn-north-1"),
}
REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,9}){1,3}-\d{1,2}")

FILED_AS_QUOTA = re.compile(
    r"limit-increase|service-limit|service-quota|quota-increase|increase-limit|^quotas?$|^limits?$"
)

# In one sentence and not far apart: {0,60} of anything that ends no sentence. A dot between digits ends none.
_NEAR = r"(?:[^.!?\n;]|\.(?=\d)){0,60}?"
_LIMIT = r"(?:quotas?|limits?|limitations?)\b"
_RAISE = r"(?:increas(?:e|ing)|rais(?:e|ing)|lift(?:ing)?|bump(?:ing)?(?: up)?|extend(?:ing)?|expand(?:ing)?|higher|double|upgrade)"
_WANT = (
    r"(?:please|pls|kindly|can you|could you|would you|can we|could we|we need|i need|need|needs|we want|i want|want|wants|would like"
    r"|like|request(?:s|ed|ing)?:?|requesting|ask(?:s|ing)? (?:for|you)|require[sd]?|apply(?:ing)? for|looking for|submit(?:ting)?|help us"
    r"|help me|^|how (?:do|can) (?:we|i)|how to|subject:)"
)
# "Increase in latency", "raise a ticket".
_NOT_OF_THAT = r"(?! in (?!the |our |my |limit|quota)| (?:an? |the |this |our )?(?:ticket|case|issue|priority|severity|support|question|concern)\b)"
ENGLISH = (
    rf"{_WANT}[ \t]{{0,4}}(?:to |us |have |get |a |an |the |our |this |some |for ){{0,6}}{_RAISE}\b{_NOT_OF_THAT}{_NEAR}\b{_LIMIT}",
    rf"{_WANT}[ \t]{{0,4}}(?:an? |some |us )?(?:additional|more|extra|larger) {_NEAR}\bquotas?\b",
    rf"\b{_LIMIT} (?:increase|raise|extension|bump|upgrade)s?\b",
    rf"\b(?:an?|the|any|some|for|request\w{{0,4}}|needed) (?:increase|raise|extension) (?:of|to|in|on|for) {_NEAR}\b{_LIMIT}",
    rf"\b{_LIMIT}{_NEAR}\b(?:to be|must be|should be|needs? to be|be|needs?|have) (?:increased|raised|lifted|extended|bumped|higher)\b",
    rf"\b(?:increase|raise|bump|lift|change) {_NEAR}\b{_LIMIT}{_NEAR}\b(?:from \S{{1,20}} to|to) \d",
)
OTHER_LANGUAGES = (
    # Japanese: limit, then raising it, or the set phrase
    r"(?:上限|クォータ|クオータ|制限|リミット)(?:値|数)?[^。\n]{0,15}(?:引き上げ|引上げ|緩和|増加|増や|拡張|アップ)",
    # Spanish
    r"(?:aument(?:ar|en|e|o)|increment(?:ar|en|e|o)|ampli(?:ar|en|e|ación)|elev(?:ar|en)|sub(?:ir|an))\b[^.\n]{0,50}\b(?:cuotas?|l[íi]mites?)\b",
    # Portuguese
    r"(?:aument(?:ar|em|e|o)|ampli(?:ar|em|ação)|elev(?:ar|em|ação))\b[^.\n]{0,50}\b(?:cotas?|quotas?|limites?)\b",
    # French
    r"(?:augment(?:er|ez|ation)|relev(?:er|ez)|relèvement)\b[^.\n]{0,50}\b(?:quotas?|limites?)\b",
    # German, in either order and in one word
    r"\b(?:erhöh(?:en|ung)|anheb(?:en|ung)|heraufsetz(?:en|ung))\b[^.\n]{0,50}\b(?:\w{0,20}kontingente?s?|(?:service-?)?limits?|quotas?|quoten?)\b",
    r"\b(?:(?:service-?)?kontingente?s?|(?:service-?)?limits?|quotas?|quoten?)\b[^.\n]{0,60}(?:zu erhöhen|erhöhen|anzuheben|anheben|heraufsetzen)",
    r"\b(?:limit|quoten|quota|kontingent)-?(?:erhöhung|anhebung)",
)
REQUEST = re.compile("|".join(f"(?:{each})" for each in ENGLISH + OTHER_LANGUAGES), re.IGNORECASE | re.MULTILINE)

# A limit of something that no Service Quotas page has, or a request that is over.
OWN_LIMIT = re.compile(
    r"\b(?:memory|time-?out|heap|cpu|pod|container|process|thread|file|descriptor|open files|upload|request|body|payload|message|header"
    r"|connection pool|disk|swap|retry|budget(?: alerts?)?|cost|credit)[ -]?(?:size )?limits?\b|\bulimit|limits?\.(?:cpu|memory)|limits? (?:in|of) (?:nginx|php|our"
    r" (?:code|app|application|program))|l[íi]mites? de (?:mem[oó]ria|tiempo|tempo)|limite de (?:la )?m[ée]moire|speicherlimit"
    r"|(?:メモリ|タイムアウト)[^。\n]{0,6}(?:上限|制限)",
    re.IGNORECASE,
)
OVER = re.compile(
    r"\b(?:was|were|has been|have been|got|been|is) (?:already )?(?:approved|granted|applied|completed|processed)|already (?:increased|raised|requested)"
    r"|do(?:es)? not (?:need|want|require)|don't (?:need|want)|not (?:a|asking for an?|about an?) |no (?:quota|limit) increase|without (?:a|any|an)\b"
    r"|instead of (?:a|an|increasing|raising)|rather than|\b(?:see|saw|seeing|notic|observ)\w* (?:an?|the|some) (?:increase|raise)|(?:after|since|despite|following) (?:the|our|a|an|your|that|increasing|raising)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[!?\n;。]|\.(?!\d)")
# Where a sentence stops to say what is to be raised, and gives its reason: "raise the limit, our S3 exports need it".
CLAUSE_END = re.compile(
    r"[,()、]|\b(?:because|since|so|as|when|while|which|that|where|who|we|it|they|if|until|before|after|but)\b",
    re.IGNORECASE,
)
PER = re.compile(r"\bper \w+", re.IGNORECASE)  # "network interfaces per VPC" are not VPC's
REQUESTS_READ = 5  # of one text, for the names in them


@dataclass(frozen=True, slots=True)
class QuotaRequest:
    """A quota is to be raised. `service_code` is that of Service Quotas, empty where it can't be told."""

    service_code: str


def quota_request(
    subject: str, description: str, service_code: str = "", category_code: str = ""
) -> QuotaRequest | None:
    """The request for a quota that a case makes, by Support's codes and its words; None where it makes none.

    A service that is named where the quota is asked for goes before the case's own: an outage of one needs more of another.
    """
    filed = any(FILED_AS_QUOTA.search(code) for code in (service_code, category_code) if code)
    asked = [clause for text in (subject, description) for clause in islice(_requests(text), REQUESTS_READ)]
    if not (filed or asked):
        return None
    own = QUOTAS_CODES.get(service_code, "")
    named = [code for words, code in NAMES if any(words.search(clause) for clause in asked)]
    if named:
        return QuotaRequest(own if own in named else named[0])
    return QuotaRequest(own or _known_by(subject) or _known_by(description))


def console_link(request: QuotaRequest, region: str = "", partition: str = "aws") -> str:
    """The page of Service Quotas where the quota can be raised, for whoever is signed in to the account there."""
    host, home = CONSOLES.get(partition, CONSOLES["aws"])
    place = home if request.service_code in GLOBAL or not REGION.fullmatch(region) else region
    page = f"services/{request.service_code}/quotas" if request.service_code else "services"
    return f"https://{place}.{host}/servicequotas/home/{page}"


def _requests(text: str) -> Iterator[str]:
    """What asks for it: the clause of each sentence that does, and speaks of no limit of the program's own, and of no
    request that is over.
    """
    text = text[:20_000]
    for match in REQUEST.finditer(text):
        start, end = _around(SENTENCE_END, text, match)
        sentence = text[start:end][:600]
        if not (OWN_LIMIT.search(sentence) or OVER.search(sentence)):
            after, until = _around(CLAUSE_END, text, match)
            yield PER.sub("", text[max(start, after) : min(end, until)][:600])


def _around(ends: re.Pattern[str], text: str, match: re.Match[str]) -> tuple[int, int]:
    """From the last end before the match, or 200 characters before it, to the first one behind it."""
    earliest = max(0, match.start() - 200)
    start = max((end.end() for end in ends.finditer(text, earliest, match.start())), default=earliest)
    end = ends.search(text, match.end())
    return start, end.start() if end else len(text)


def _known_by(text: str) -> str:
    """The first service that a text names, or whose things it speaks of."""
    return next((code for words, code in NAMES_AND_THINGS if words.search(text[:20_000])), "")
