"""AWS's wire formats: reading an operation and its parameters off a request, writing an answer or an error.

A service speaks the protocol its botocore model names. Here are JSON and query; `rest` has the one that keeps parameters in
paths. A wire sees the whole request and the operation's model.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from casesite.sandbox.messages import Answer, AwsError, Request

NO_OPERATION = AwsError("UnknownOperationException", "The operation is not known here.", 400)


class Wire(Protocol):
    """One AWS protocol."""

    def __init__(self, model: ServiceModel) -> None: ...

    def operation_name(self, request: Request) -> str:
        """The operation the request names; it may be one the model does not know."""
        ...

    def parameters(self, request: Request, operation: OperationModel) -> dict[str, Any]:
        """The parameters as they came, in the nesting of the input shape, not yet checked."""
        ...

    def answer(self, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Answer: ...

    def error(self, error: AwsError, request_id: str) -> Answer: ...

    def dialect(self, error: AwsError) -> AwsError:
        """The same error by the name that services of this protocol have for it."""
        ...


class JsonWire:
    """JSON 1.0 and 1.1: the operation in a header, the parameters as one JSON object."""

    def __init__(self, model: ServiceModel) -> None:
        self._prefix = f"{model.metadata['targetPrefix']}."
        self._content_type = f"application/x-amz-json-{model.metadata['jsonVersion']}"

    def operation_name(self, request: Request) -> str:
        target = request.headers.get("x-amz-target", "")
        if not target.startswith(self._prefix):
            raise NO_OPERATION
        return target.removeprefix(self._prefix)

    def parameters(self, request: Request, operation: OperationModel) -> dict[str, Any]:
        try:
            value = json.loads(request.body or b"{}")
        except ValueError:
            raise AwsError("SerializationException", "The request body is not JSON.") from None
        if not isinstance(value, dict):
            raise AwsError("SerializationException", "The request body is not a JSON object.")
        return value

    def answer(self, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Answer:
        shape = operation.output_shape
        return self._send(200, to_json(output, shape) if shape else {}, request_id)

    def error(self, error: AwsError, request_id: str) -> Answer:
        return self._send(error.status, {"__type": error.code, "message": error.message}, request_id)

    def dialect(self, error: AwsError) -> AwsError:
        return error

    def _send(self, status: int, value: Any, request_id: str) -> Answer:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Answer(status, body, {"Content-Type": self._content_type, "x-amzn-RequestId": request_id})


class QueryWire:
    """The query protocol: a form in, XML out."""

    NAMES = {
        "AccessDeniedException": "AccessDenied",
        "ExpiredTokenException": "ExpiredToken",
        "InternalServerError": "InternalFailure",
        "InvalidSignatureException": "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException": "MissingAuthenticationToken",
        "SerializationException": "MalformedInput",
        "ThrottlingException": "Throttling",
        "UnknownOperationException": "InvalidAction",
        "UnrecognizedClientException": "InvalidClientTokenId",
        "ValidationException": "ValidationError",
    }

    def __init__(self, model: ServiceModel) -> None:
        self._version = model.api_version
        self._namespace = model.metadata["xmlNamespace"]

    def operation_name(self, request: Request) -> str:
        form = _form(request)
        if form.get("Version") != self._version or "Action" not in form:
            raise NO_OPERATION
        return form["Action"]

    def parameters(self, request: Request, operation: OperationModel) -> dict[str, Any]:
        form = {name: text for name, text in _form(request).items() if name not in ("Action", "Version")}
        value = from_form(form, "", operation.input_shape) if operation.input_shape else {}
        return {**value, **{name: text for name, text in form.items() if name.partition(".")[0] not in value}}

    def answer(self, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Answer:
        shape = operation.output_shape
        inner = to_xml(output, shape) if shape else ""
        wrapper = shape.serialization.get("resultWrapper") if shape else None
        result = f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        return self._send(200, f"{operation.name}Response", result + metadata, request_id)

    def error(self, error: AwsError, request_id: str) -> Answer:
        blame = "Receiver" if error.status >= 500 else "Sender"
        code, message = escape(error.code), escape(_xml_text(error.message))
        text = f"<Error><Type>{blame}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return self._send(error.status, "ErrorResponse", f"{text}<RequestId>{request_id}</RequestId>", request_id)

    def dialect(self, error: AwsError) -> AwsError:
        return AwsError(self.NAMES.get(error.code, error.code), error.message, error.status)

    def _send(self, status: int, root: str, inner: str, request_id: str) -> Answer:
        body = f'<{root} xmlns="{self._namespace}">{inner}</{root}>'.encode()
        return Answer(status, body, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})


def to_json(value: Any, shape: Shape) -> Any:
    """A handler's output as JSON values. A member the model does not know is a mistake of ours and raises KeyError."""
    if isinstance(shape, StructureShape):
        return {name: to_json(each, shape.members[name]) for name, each in value.items() if each is not None}
    if isinstance(shape, ListShape):
        return [to_json(each, shape.member) for each in value]
    if isinstance(shape, MapShape):
        return {key: to_json(each, shape.value) for key, each in value.items()}
    if isinstance(value, datetime):
        return _instant(value) if shape.serialization.get("timestampFormat") == "iso8601" else value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def errors_of(model: ServiceModel) -> dict[str, StructureShape]:
    """The errors that a service's model knows, by code."""
    return {shape.error_code: shape for shape in model.error_shapes if isinstance(shape, StructureShape)}


def modelled_status(shape: StructureShape | None) -> int | None:
    """The HTTP status that the model gives an error."""
    found: int | None = shape.metadata.get("error", {}).get("httpStatusCode") if shape is not None else None
    return found


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_xml(value: Any, shape: Shape) -> str:
    """A handler's output as the inside of an XML element."""
    if isinstance(shape, StructureShape):
        parts = ((name, to_xml(each, shape.members[name])) for name, each in value.items() if each is not None)
        return "".join(f"<{name}>{inner}</{name}>" for name, inner in parts)
    if isinstance(shape, ListShape):
        return "".join(f"<member>{to_xml(each, shape.member)}</member>" for each in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_xml_text(str(value)))


def from_form(form: Mapping[str, str], path: str, shape: Shape) -> Any:
    """Gather the fields of a query form at `path` into the nesting of a shape; None where there are none."""
    if isinstance(shape, StructureShape):
        base = f"{path}." if path else ""
        given = _next_names(form, base)
        members = {
            name: from_form(form, base + name, member) for name, member in shape.members.items() if name in given
        }
        return {name: value for name, value in members.items() if value is not None}
    if isinstance(shape, ListShape):
        base = f"{path}.member."
        places = sorted((place for place in _next_names(form, base) if place.isdecimal()), key=int)
        return [from_form(form, base + place, shape.member) for place in places] or None
    text = form.get(path)
    return None if text is None else _scalar(text, shape.type_name)


def _next_names(form: Mapping[str, str], base: str) -> set[str]:
    return {name.removeprefix(base).partition(".")[0] for name in form if name.startswith(base)}


def _scalar(text: str, type_name: str) -> Any:
    try:
        if type_name in ("integer", "long"):
            return int(text)
        if type_name in ("float", "double"):
            return float(text)
    except ValueError:
        raise AwsError("SerializationException", f"{text!r} is not a number") from None
    return text == "true" if type_name == "boolean" else text


def _form(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise AwsError("SerializationException", "The request body is not a form.") from None


def _xml_text(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(each for each in text if each >= " " or each in "\t\n\r")
