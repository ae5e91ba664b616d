"""What REDIS_URL may say, and what Celery is told of it."""

import socket

import pytest

from casesite.runner import broker, broker_url
from casesite.runner.broker_url import Broker

LINE = {"socket_timeout": 2}
TLS = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


def read(address):
    return broker_url.read(address, timeouts=LINE)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("redis://:secret@one:6379/3", Broker("redis://:secret@one:6379/3")),
        ("filesystem://localhost", Broker("filesystem://localhost")),
        ("unix:///run/valkey.sock?db=2", Broker("unix:///run/valkey.sock?db=2")),
        ("rediss://one/3", Broker("rediss://one/3", TLS)),
        (
            "rediss://one/3?ssl_ca_certs=/ca.pem&ssl_certfile=/me.pem&ssl_keyfile=/me.key",
            Broker(
                "rediss://one/3",
                {**TLS, "ssl_ca_certs": "/ca.pem", "ssl_certfile": "/me.pem", "ssl_keyfile": "/me.key"},
            ),
        ),
        ("rediss://one?ssl_check_hostname=false", Broker("rediss://one", {**TLS, "ssl_check_hostname": False})),
        (
            "rediss://one?ssl_cert_reqs=none",
            Broker("rediss://one", {"ssl_cert_reqs": "none", "ssl_check_hostname": False}),
        ),
    ],
)
def test_one_server_is_told_with_its_line(address, said):
    assert read(address) == said


@pytest.mark.parametrize(
    ("query", "tls", "line"),
    [
        ("", None, {}),
        ("&ssl=true&ssl_ca_certs=/ca", {**TLS, "ssl_ca_certs": "/ca"}, {"ssl": True, **TLS, "ssl_ca_certs": "/ca"}),
        ("&sentinel_username=u&sentinel_password=p%26w", None, {"username": "u", "password": "p&w"}),
    ],
)
def test_sentinels_are_told_with_the_name_of_the_server_and_their_own_lines(query, tls, line):
    addresses = "sentinel://:secret@one:26379/3;sentinel://two"

    said = read(f"{addresses}?master_name=cases{query}")

    assert (said.url, said.tls, said.options["master_name"]) == (addresses, tls, "cases")
    lines = said.options["sentinel_kwargs"]
    assert lines.pop("retry").get_retries() == 0
    assert lines == LINE | line


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("redis://one?ssl_ca_certs=/ca", "redis:// does not know ssl_ca_certs; it knows none"),
        ("rediss://one?ssl_ca_cert=/ca", "rediss:// does not know ssl_ca_cert"),
        ("rediss://one?ssl_cert_reqs=optional", "ssl_cert_reqs is required or none"),
        ("rediss://one?ssl_check_hostname=0", "ssl_check_hostname is true or false"),
        ("sentinel://one", "master_name is missing"),
        ("sentinel://one;redis://two?master_name=x", "each Sentinel is sentinel://host:port"),
        ("sentinel://one?master_name=x&ssl_ca_certs=/ca", "ssl_ca_certs without ssl=true"),
    ],
)
def test_what_would_be_ignored_or_fail_later_is_refused_with_the_reason(address, why):
    with pytest.raises(ValueError, match=why):
        read(address)


def test_one_sentinel_that_listens_is_enough():
    nobody = "sentinel://127.0.0.1:1"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        somebody = f"sentinel://127.0.0.1:{listener.getsockname()[1]}"

        assert broker.is_reachable(f"{nobody};{somebody}?master_name=x")

    assert not broker.is_reachable(f"{nobody}?master_name=x")
