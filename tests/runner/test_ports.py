"""Ports are stepped over, and the site's address follows."""

import socket

import pytest

from casesite.runner import ports
from casesite.runner.supervisor import Failed


def test_free_port_is_opened_as_wanted():
    wanted = ports.free()

    with ports.open_door(wanted) as door:
        assert door.getsockname() == ("127.0.0.1", wanted)


def test_taken_port_is_stepped_over():
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]

        with ports.open_door(wanted) as door:
            assert door.getsockname()[1] > wanted
        assert wanted not in [port for port, _ in zip(ports.free_from(wanted), range(3), strict=False)]


def test_range_without_a_free_port_is_a_plain_word(monkeypatch):
    monkeypatch.setattr(ports, "STEPS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]

        with pytest.raises(Failed, match="are taken: set PORT"):
            ports.open_door(wanted)


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8003"),
        ("http://localhost:8000", "http://localhost:8003"),
        ("http://[::1]:8000", "http://[::1]:8003"),
        ("https://cases.example.com", "https://cases.example.com"),
        ("https://cases.example.com:8443", "https://cases.example.com:8443"),
    ],
)
def test_address_follows_the_port_unless_a_proxy_stands_before_it(url, becomes):
    assert ports.moved(url, 8000, 8003) == becomes


def test_nobody_answers_on_a_free_port():
    assert not ports.answers(ports.free(), "/healthz")
