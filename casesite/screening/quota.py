"""Recognises a request for a higher service quota, which AWS's Support API does not take, and knows where it belongs.

What is recognised is a request: somebody wants a quota or limit raised. That a limit was hit, that calls are throttled, or
that a limit of the program's own is too low (memory, time-out, size of an upload) is something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
# For cases filed under something general: words that name a service, the narrower ones first.
SERVICE_WORDS = (
    (r"fargate", "fargate"),
    (r"\bsagemaker", "sagemaker"),
    (r"\bbedrock", "bedrock"),
    (r"\beks\b|kubernetes", "eks"),
    (r"\becs\b", "ecs"),
    (r"\becr\b", "ecr"),
    (r"\bemr\b", "elasticmapreduce"),
    (r"\blambda", "lambda"),
    (r"\bsqs\b", "sqs"),
    (r"\bsns\b|\bsms\b", "sns"),
    (r"\bses\b|sending (?:quota|limit|rate)", "ses"),
    (r"\bs3\b|\bbuckets?\b", "s3"),
    (r"dynamodb", "dynamodb"),
    (r"elasticache", "elasticache"),
    (r"\brds\b|\baurora\b", "rds"),
    (r"\bredshift\b", "redshift"),
    (r"cloudfront", "cloudfront"),
    (r"route ?53|hosted zones?", "route53"),
    (r"api gateway", "apigateway"),
    (r"step functions?|state machines?", "states"),
    (r"cloudformation", "cloudformation"),
    (r"\befs\b", "elasticfilesystem"),
    (r"\bebs\b|\bgp[23]\b|\bio[12]\b", "ebs"),
    (r"load balancers?|\b[an]lb\b|target groups?", "elasticloadbalancing"),
    (r"elastic ips?|\beips?\b|vcpus?|\bec2\b|on-demand|spot instances?|[pg]\d[a-z]*\.\w*large", "ec2"),
    (r"\bvpcs?\b|security groups?|subnets?|internet gateways?|nat gateways?|route tables?", "vpc"),
    (r"\biam\b|\broles per account", "iam"),
    (r"member accounts|number of accounts|aws organizations", "organizations"),
    (r"\bkms\b", "kms"),
    (r"\bglue\b", "glue"),
    (r"kinesis", "kinesis"),
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


@dataclass(frozen=True, slots=True)
class QuotaRequest:
    """A quota is to be raised. `service_code` is that of Service Quotas, empty where it can't be told."""

    service_code: str


def quota_request(
    subject: str, description: str, service_code: str = "", category_code: str = ""
) -> QuotaRequest | None:
    """The request for a quota that a case makes, by Support's codes and its words; None where it makes none."""
    filed = any(FILED_AS_QUOTA.search(code) for code in (service_code, category_code) if code)
    if not (filed or _asks(subject) or _asks(description)):
        return None
    return QuotaRequest(QUOTAS_CODES.get(service_code) or _named_service(subject) or _named_service(description))


def console_link(request: QuotaRequest, region: str = "", partition: str = "aws") -> str:
    """The page of Service Quotas where the quota can be raised, for whoever is signed in to the account there."""
    host, home = CONSOLES.get(partition, CONSOLES["aws"])
    place = home if request.service_code in GLOBAL or not REGION.fullmatch(region) else region
    page = f"services/{request.service_code}/quotas" if request.service_code else "services"
    return f"https://{place}.{host}/servicequotas/home/{page}"


def _asks(text: str) -> bool:
    """Whether a sentence asks for it that speaks of no limit of the program's own, and of no request that is over."""
    return any(not _is_something_else(text, match) for match in REQUEST.finditer(text[:20_000]))


def _is_something_else(text: str, match: re.Match[str]) -> bool:
    start = max(
        (end.end() for end in SENTENCE_END.finditer(text, max(0, match.start() - 200), match.start())), default=0
    )
    end = SENTENCE_END.search(text, match.end())
    sentence = text[max(start, match.start() - 200) : end.start() if end else len(text)][:600]
    return bool(OWN_LIMIT.search(sentence) or OVER.search(sentence))


def _named_service(text: str) -> str:
    return next((code for words, code in SERVICE_WORDS if re.search(words, text[:20_000], re.IGNORECASE)), "")
