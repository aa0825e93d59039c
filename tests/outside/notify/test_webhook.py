"""Signed webhooks, checked as a receiver checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import FrozenClock, Instant
from opskit.core.errors import OutsideError, Refused
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.webhook import WebhookSender, secret_bytes, signature
from tests.outside.servers import Server, body, header, plain

NOON = Instant(1_790_856_000_999_999)
SECRET = b"a signing secret that nobody else knows"


@dataclass(frozen=True)
class Message:
    key: str = "flip:website/http:1790856000"
    body: str = '{"service":"website","state":"down"}'


def sender(url: str, *, allow_private: bool = True) -> WebhookSender:
    return WebhookSender(
        Endpoint("the webhook", url, allow_private, clock=FrozenClock(NOON)), SECRET
    )


# Signatures


def test_the_reference_vector_of_standard_webhooks() -> None:
    # From the specification's own libraries, standard-webhooks/standard-webhooks.
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=1), st.text(), st.integers(0, 2**40), st.binary())
def test_a_signature_is_an_hmac_of_id_time_and_body(
    secret: bytes, key: str, seconds: int, payload: bytes
) -> None:
    signed = key.encode() + b"." + str(seconds).encode() + b"." + payload
    expected = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    assert signature(secret, key, str(seconds), payload) == f"v1,{expected}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("whsec_MfKQ9r8GKYqr", bytes.fromhex("31f290f6bf06298aab")),
        ("whsec_c2VjcmV0\n", b"secret"),
        ("plain words\n", b"plain words"),
        ("  plain words \r\n", b"plain words"),
        ("whsec_not base64!", b"whsec_not base64!"),
        ("schlüssel", "schlüssel".encode()),
    ],
)
def test_a_secret_is_read_as_it_is_written(text: str, key: bytes) -> None:
    assert secret_bytes(text) == key


# Deliveries


def test_a_receiver_can_check_who_sent_it_when_and_only_once() -> None:
    with Server(plain()) as server:
        sender(server.url).send(Message())
    (request,) = server.requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert body(request) == b'{"service":"website","state":"down"}'
    assert header(request, b"content-type") == b"application/json"
    assert header(request, b"webhook-id") == b"flip:website/http:1790856000"
    assert header(request, b"webhook-timestamp") == b"1790856000"
    signed = b".".join(
        (header(request, b"webhook-id"), header(request, b"webhook-timestamp"), body(request))
    )
    digest = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256))
    assert header(request, b"webhook-signature") == b"v1," + digest


def test_a_repeat_has_the_same_key_and_a_new_time() -> None:
    with Server(plain()) as server:
        clock = FrozenClock(NOON)
        one = WebhookSender(Endpoint("x", server.url, allow_private=True, clock=clock), SECRET)
        one.send(Message())
        clock.advance(300_000_000)
        one.send(Message())
    first, second = server.requests
    assert header(first, b"webhook-id") == header(second, b"webhook-id")
    assert body(first) == body(second)
    assert header(second, b"webhook-timestamp") == b"1790856300"
    assert header(first, b"webhook-signature") != header(second, b"webhook-signature")


def test_the_body_is_sent_as_utf_8() -> None:
    with Server(plain()) as server:
        sender(server.url).send(Message(body='{"name":"Zürich"}'))
    assert body(server.requests[0]) == '{"name":"Zürich"}'.encode()


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        ("500 Internal Server Error", True),
        ("503 Service Unavailable", True),
        ("429 Too Many Requests", True),
        ("408 Request Timeout", True),
        ("410 Gone", False),
        ("401 Unauthorized", False),
        ("400 Bad Request", False),
        ("302 Found", False),
    ],
)
def test_a_refusal_says_whether_to_try_again(status: str, retryable: bool) -> None:
    with (
        Server(plain(b"", status, "Location: http://127.0.0.1:1/")) as server,
        pytest.raises(OutsideError, match=rf"answered {status[:3]}$") as caught,
    ):
        sender(server.url).send(Message())
    assert caught.value.retryable is retryable


def test_a_receiver_that_is_not_there_may_come_back() -> None:
    with Server(plain()) as server:
        gone = server.url
    with pytest.raises(OutsideError) as caught:
        sender(gone).send(Message())
    assert caught.value.retryable


def test_a_private_receiver_must_be_allowed() -> None:
    with Server(plain()) as server:
        with pytest.raises(Refused, match="is not a public address"):
            sender(server.url, allow_private=False).send(Message())
        assert server.requests == []
