"""The REST-JSON wire: an operation is known by method and path, its parameters stand in path, query and body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from botocore.model import ListShape, OperationModel, ServiceModel, Shape

from casesite.sandbox.messages import Answer, AwsError, Request
from casesite.sandbox.protocol import NO_OPERATION, errors_of, modelled_status, to_json

PLACE = re.compile(r"\{(\w+)\}")


class RestJsonWire:
    """REST-JSON as botocore's models describe it. Errors bear the name and HTTP status that the model gives them."""

    # What other parts of the simulator call an error, and what a service of this protocol may call it; the first one that
    # the service's model has is taken.
    NAMES = {
        "InternalServerError": ("InternalServerException", "InternalServiceException"),
        "ValidationException": ("ValidationException", "BadRequestException", "InvalidRequestException"),
    }

    def __init__(self, model: ServiceModel) -> None:
        self._routes = _routes(model)
        self._shapes = errors_of(model)
        said = {name for shape in self._shapes.values() for name in shape.members}
        self._message = "Message" if "Message" in said else "message"

    def operation_name(self, request: Request) -> str:
        return self._route(request)[0]

    def parameters(self, request: Request, operation: OperationModel) -> dict[str, Any]:
        query = parse_qs(request.query, keep_blank_values=True)
        value = _body(request)
        _name, in_path = self._route(request)
        for name, shape in operation.input_shape.members.items() if operation.input_shape else ():
            location, wire_name = shape.serialization.get("location"), shape.serialization.get("name", name)
            if location == "uri":
                value[name] = in_path[wire_name]
            elif location == "querystring" and wire_name in query:
                value[name] = _from_query(query[wire_name], shape)
        return value

    def answer(self, operation: OperationModel, output: Mapping[str, Any], request_id: str) -> Answer:
        shape = operation.output_shape
        return _send(200, to_json(output, shape) if shape else {}, request_id)

    def error(self, error: AwsError, request_id: str) -> Answer:
        return _send(error.status, {self._message: error.message, **error.members}, request_id, error.code)

    def dialect(self, error: AwsError) -> AwsError:
        code = next((each for each in self.NAMES.get(error.code, ()) if each in self._shapes), error.code)
        return AwsError(code, error.message, modelled_status(self._shapes.get(code)) or error.status, **error.members)

    def _route(self, request: Request) -> tuple[str, dict[str, str]]:
        for name, pattern in self._routes.get((request.method, request.path.count("/")), ()):
            if match := pattern.fullmatch(request.path):
                return name, {place: unquote(text) for place, text in match.groupdict().items()}
        raise NO_OPERATION


def _routes(model: ServiceModel) -> dict[tuple[str, int], list[tuple[str, re.Pattern[str]]]]:
    """Operations by method and number of slashes. A path without places comes before one that a place would also fit."""
    routes: dict[tuple[str, int], list[tuple[str, re.Pattern[str]]]] = {}
    operations = [(name, model.operation_model(name).http) for name in model.operation_names]
    for name, http in sorted(operations, key=lambda each: each[1]["requestUri"].count("{")):
        path = http["requestUri"].partition("?")[0]
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if place else re.escape(part) for place, part in _parts(path.replace("+}", "}"))
        )
        routes.setdefault((http["method"], path.count("/")), []).append((name, re.compile(pattern)))
    return routes


def _parts(path: str) -> list[tuple[bool, str]]:
    """A path in pieces: whether each is a place for a parameter, and its name or its text."""
    return [(number % 2 == 1, part) for number, part in enumerate(PLACE.split(path))]


def _body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}", parse_constant=_no_number)
    except ValueError:
        raise AwsError("SerializationException", "The request body is not JSON.") from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object.")
    return value


def _no_number(text: str) -> NoReturn:
    raise AwsError("SerializationException", f"{text} is not a number in JSON")


def _from_query(texts: list[str], shape: Shape) -> Any:
    if isinstance(shape, ListShape):
        return texts
    text = texts[0]
    if shape.type_name in ("integer", "long"):
        try:
            return int(text)
        except ValueError:
            raise AwsError("SerializationException", f"{text!r} is not a number") from None
    return {"true": True, "false": False}.get(text, text) if shape.type_name == "boolean" else text


def _send(status: int, value: Any, request_id: str, error: str | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
    return Answer(status, body, headers | ({"x-amzn-ErrorType": error} if error else {}))
