"""Holds what comes over the wire against botocore's model, by code that is not the simulator's."""

import json
from typing import Any

from botocore import validate
from botocore.model import ListShape, Shape, StructureShape

STRICT = ["required", "min", "max", "enum", "pattern"]
COMMON_ERRORS = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InternalServerError",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidParameterValueException",
    "InvalidSignatureException",
    "MalformedInput",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "SignatureDoesNotMatch",
    "SubscriptionRequiredException",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "UploadIdNotFound",
    "ValidationError",
    "ValidationException",
}


def complaints(value: Any, shape: Shape | None, path: str = "answer") -> list[str]:
    """What is wrong with an answer by its output shape: types, members nobody knows, lengths, ranges, enums."""
    if shape is None:
        return []
    report = validate.ParamValidator().validate(value, shape)
    found = [report.generate_report()] if report.has_errors() else []
    return found + list(_bounds(value, shape, path))


def _bounds(value: Any, shape: Shape, path: str):
    meta = shape.metadata
    if shape.type_name in ("string", "list") and not meta.get("min", 0) <= len(value) <= meta.get("max", len(value)):
        yield f"{path}: length {len(value)}"
    if meta.get("enum") and value not in meta["enum"]:
        yield f"{path}: {value} is none of {meta['enum']}"
    if isinstance(shape, StructureShape):
        for name, each in value.items():
            if name in shape.members:
                yield from _bounds(each, shape.members[name], f"{path}.{name}")
    if isinstance(shape, ListShape):
        for number, each in enumerate(value):
            yield from _bounds(each, shape.member, f"{path}[{number}]")


def check_answer(http_response: Any, parsed: dict[str, Any], model: Any, **_context: Any) -> None:
    """A botocore `after-call` handler: every answer of the simulator's own fits the model of its operation."""
    if "x-amzn-requestid" not in http_response.headers or not http_response.content or _is_cut(http_response):
        return  # a fault's work
    assert http_response.headers["date"].endswith("GMT")
    if "Error" in parsed:
        modelled = {shape.error_code for shape in model.error_shapes}
        assert parsed["Error"]["Code"] in COMMON_ERRORS | modelled
        assert parsed["Error"]["Message"]
        return
    answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
    assert complaints(answer, model.output_shape) == []
    if "json" in http_response.headers["content-type"] and model.output_shape is not None:
        assert set(json.loads(http_response.content)) <= set(model.output_shape.members)


def _is_cut(http_response: Any) -> bool:
    return len(http_response.content) < int(http_response.headers["content-length"])
