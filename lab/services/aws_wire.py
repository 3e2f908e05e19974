"""AWS's APIs on the wire, after botocore's models of them, read and written by moto: operations, results and errors as
plain values."""

import functools
import urllib.parse
import warnings
from collections.abc import Mapping
from typing import Any

from lab.services.api import Answer
from lab.services.signature import Request


class AwsError(Exception):
    """An error of an API: its code, its sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@functools.cache
def _operation(service: str, name: str) -> Any:
    from moto.core.utils import get_service_model

    # The models leave out most of the errors that all operations have.
    warnings.filterwarnings("ignore", message=r"Exception\(AwsError\) with code")
    model = get_service_model(service)
    return model.operation_model(name or model.operation_names[0])


def parsed(service: str, operation: str, request: Request, uri: Mapping[str, str]) -> dict[str, Any]:
    """What is asked, by the names that boto3 has for it; `uri` are the parts of the path, by the model's names.
    AwsError when the body is not what the operation takes."""
    from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
    from werkzeug.datastructures import Headers, MultiDict

    model = _operation(service, operation)
    question: Any = {
        "body": request.body,
        "headers": Headers(dict(request.headers)),
        "url_params": uri,
        "values": MultiDict(urllib.parse.parse_qsl(request.query, keep_blank_values=True)),
    }
    try:
        found: dict[str, Any] = PROTOCOL_PARSERS[model.service_model.protocol](model).parse(question)
    except (RequestParserError, ValueError) as error:
        raise AwsError("InvalidInput", f"the body is malformed: {error}") from None
    return found


def answer(service: str, operation: str, result: Mapping[str, Any] | AwsError) -> Answer:
    """The operation's answer, or the error that it ends with: that has one form for all of a service's operations."""
    from moto.core.serialize import SerializationContext, get_serializer_class

    model = _operation(service, operation)
    serializer = get_serializer_class(service, model.service_model.protocol)
    found = serializer(model, SerializationContext("0123456789abcdef")).serialize(result)
    body = found["body"]
    return found["status_code"], list(found["headers"].items()), body.encode() if isinstance(body, str) else body
