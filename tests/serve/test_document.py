"""What the OpenAPI document says holds, for what fits it and for what does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from opskit.serve.openapi import document
from tests.serve.live import TOKEN, Serving, bearer, lay_out, probe_of, secret, service

# Every request here has the token: who has none is seen to elsewhere.
SCHEMA = schemathesis.openapi.from_dict({**document(), "security": []})
# Not whether all that fits is taken: that a silence must not end before it begins no schema says.
CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    root = tmp_path_factory.mktemp("document") / "ops"
    serve = {
        "token_file": "token",
        "webhooks": {"am": {"kind": "alertmanager", "secret_file": "token"}},
    }
    lay_out(root, {"shop": service(probe_of("127.0.0.1:1"))}, serve=serve)
    secret(root / "token")
    with Serving(root) as found:
        yield found
        assert not any(" bug" in line for line in found.lines), "\n".join(found.lines)


@SCHEMA.parametrize()
@settings(
    max_examples=5, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_asked_is_answered_as_it_says(
    case: schemathesis.Case[Any], serving: Serving
) -> None:
    if "name" in case.path_parameters:
        case.path_parameters["name"] = "am"
    url = f"http://127.0.0.1:{serving.port}"
    answer = case.call(base_url=url, headers={"Authorization": bearer(TOKEN)})
    case.validate_response(answer, checks=CHECKS)
