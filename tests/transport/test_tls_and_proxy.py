"""TLS, proxies, and that no environment variable has a say in either."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchctl.errors import LocalFault, NetworkFault, OrchctlError, OutcomeUnknown
from orchctl.transport import Call, Effect
from tests import faults
from tests.faults import FaultServer, Proxy
from tests.transport.authority import Authority
from tests.transport.conftest import Make, World

READ = Call(method="GET", path="/api/task/read/1", effect=Effect.READ)
WRITE = Call(method="POST", path="/api/task/create", form={"name": "INV-1"})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def tls_server(files: tuple[Path, Path], *, clients: Path | None = None) -> FaultServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses within the handshake, not after it
    return FaultServer(tls=context)


@pytest.fixture
def secure(authority: Authority) -> Iterator[FaultServer]:
    with tls_server(authority.issue("good", "127.0.0.1", "localhost")) as running:
        yield running


def test_a_trusted_certificate(make: Make, world: World, secure: FaultServer, authority: Authority) -> None:
    transport = make(base_url=secure.url, ca_bundle=str(authority.bundle))
    assert transport.send(WRITE).status == 200
    assert transport.send(WRITE).status == 200
    assert secure.connections == 1
    assert world.notes == []
    by_name = make(base_url=f"https://localhost:{secure.port}", ca_bundle=str(authority.bundle))
    assert by_name.send(READ).status == 200
    assert secure.effects == 3


def test_verification_is_on_by_default(make: Make, world: World, secure: FaultServer) -> None:
    with pytest.raises(NetworkFault) as caught:
        make(base_url=secure.url).send(WRITE)
    assert caught.value.message == (
        f"cannot trust 127.0.0.1:{secure.port}: unable to get local issuer certificate"
    )
    assert caught.value.hint == "set ca-bundle in the context to your authority's certificate (PEM)"
    assert secure.connections == 1  # it would be the same once more
    assert secure.requests == []


@pytest.mark.parametrize(
    ("name", "days", "text", "hint"),
    [
        (
            "other.example",
            30,
            "IP address mismatch, certificate is not valid for '127.0.0.1'",
            "check the name in the context's URL: the certificate belongs to another one",
        ),
        (
            "127.0.0.1",
            -1,
            "certificate has expired",
            "have the server's certificate renewed, and check this machine's clock",
        ),
    ],
)
def test_bad_certificates(
    make: Make, authority: Authority, name: str, days: int, text: str, hint: str
) -> None:
    with tls_server(authority.issue("bad", name, days=days)) as server:
        with pytest.raises(NetworkFault) as caught:
            make(base_url=server.url, ca_bundle=str(authority.bundle)).send(WRITE)
        assert caught.value.message == f"cannot trust 127.0.0.1:{server.port}: {text}"
        assert caught.value.hint == hint
        assert server.requests == []


def test_insecure_warns_each_time(make: Make, world: World, authority: Authority) -> None:
    with tls_server(authority.issue("old", "other.example", days=-1)) as server:
        for _ in range(2):
            transport = make(base_url=server.url, insecure=True)
            assert transport.send(WRITE).status == 200
            assert transport.send(WRITE).status == 200
        assert (
            world.notes
            == [
                f"the certificate of 127.0.0.1:{server.port} is not checked (insecure): "
                "whoever is on the way can read and change everything, the credential too"
            ]
            * 2
        )


def test_a_client_certificate(make: Make, authority: Authority) -> None:
    mine = authority.issue("client", "client.example")
    options = {"ca_bundle": str(authority.bundle), "client_cert": str(mine[0]), "client_key": str(mine[1])}
    with tls_server(authority.issue("strict", "127.0.0.1"), clients=authority.bundle) as server:
        assert make(base_url=server.url, **options).send(WRITE).status == 200
        with pytest.raises(NetworkFault) as caught:
            make(base_url=server.url, ca_bundle=str(authority.bundle)).send(WRITE)
        assert server.effects == 1
        assert "handshake" in caught.value.message or "client certificate" in caught.value.message


def test_files_that_cannot_be_used(
    make: Make, secure: FaultServer, authority: Authority, tmp_path: Path
) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    mine = authority.issue("mine", "client.example")
    other = authority.issue("another", "client.example")
    cases: list[dict[str, str]] = [
        {"ca_bundle": str(tmp_path / "missing.pem")},
        {"ca_bundle": str(text)},
        {"client_cert": str(tmp_path / "missing.pem")},
        {"client_cert": str(text)},
        {"client_cert": str(mine[0]), "client_key": str(other[1])},
        {"client_cert": str(mine[0]), "client_key": str(authority.encrypted_key())},
    ]
    for options in cases:
        with pytest.raises(LocalFault) as caught:
            make(base_url=secure.url, **options).send(WRITE)
        assert next(iter(options.values())) in caught.value.message
        assert caught.value.hint is not None
    assert secure.connections == 0


def test_plain_http_to_a_server_that_expects_tls(make: Make, secure: FaultServer) -> None:
    with pytest.raises(OutcomeUnknown):
        make(base_url=f"http://127.0.0.1:{secure.port}").send(WRITE)
    assert secure.requests == []


def test_a_server_that_does_not_speak_tls_is_named(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(NetworkFault) as caught:
            make(base_url=f"https://127.0.0.1:{port}").send(WRITE)
        answering.join(5)
    assert caught.value.message == f"127.0.0.1:{port} does not speak TLS"
    assert caught.value.hint == "if the server is plain http, the URL must begin with http://"


def test_a_handshake_that_never_ends_meets_the_deadline(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(NetworkFault) as caught:
            make(base_url=f"https://127.0.0.1:{port}", request_timeout=0.3, attempts=1).send(WRITE)
        assert time.monotonic() - started < 0.3 + 1
    assert caught.value.message == f"cannot connect to 127.0.0.1:{port}: no handshake within 0.3 s"


def test_a_handshake_that_drips_meets_the_deadline(make: Make) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def drip() -> None:
            sock, _ = listener.accept()
            with sock, contextlib.suppress(OSError):
                sock.sendall(b"\x16\x03\x03\x40\x00\x02")  # a ServerHello is to come, 16 KiB of it
                while not over.wait(0.05):
                    sock.sendall(b"\x00")

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        with pytest.raises(NetworkFault, match=r"no handshake within 0\.3 s"):
            make(base_url=f"https://127.0.0.1:{port}", request_timeout=0.3, attempts=1).send(WRITE)
        assert time.monotonic() - started < 0.3 + 1
        over.set()
        dripping.join(5)


def test_a_handshake_that_ends_too_late_sends_nothing(
    make: Make, secure: FaultServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.socket.connect
    shake_hands = ssl.SSLSocket.do_handshake

    def connect_slowly(sock: socket.socket, address: object) -> None:
        connect(sock, address)  # type: ignore[arg-type]
        time.sleep(0.2)

    def end_late(sock: ssl.SSLSocket, block: bool = False) -> None:
        shake_hands(sock, block)
        time.sleep(0.3)

    transport = make(base_url=secure.url, ca_bundle=str(authority.bundle), request_timeout=0.4, attempts=1)
    monkeypatch.setattr(socket.socket, "connect", connect_slowly)
    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", end_late)
    with pytest.raises(NetworkFault, match=r"no handshake within 0\.4 s"):
        transport.send(WRITE)
    assert secure.requests == []


@pytest.mark.parametrize("effect", [True, False])
def test_faults_within_tls(make: Make, authority: Authority, secure: FaultServer, effect: bool) -> None:
    options = {"base_url": secure.url, "ca_bundle": str(authority.bundle)}
    cut = faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", effect=effect)
    for fault in (faults.reset_unread, cut, faults.reset_after_read(effect=effect)):
        secure.effects = 0
        secure.plan(fault)
        with pytest.raises(OutcomeUnknown):
            make(**options).send(WRITE)
        assert secure.effects <= 1
    secure.plan(faults.drip(effect=effect, interval=0.1))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match=r"within 0\.4 s"):
        make(**options, request_timeout=0.4).send(WRITE)
    assert time.monotonic() - started < 0.4 + 1


def test_an_unknown_host(make: Make) -> None:
    with pytest.raises(NetworkFault, match=r"^cannot find the host no-such-host\.invalid: ") as caught:
        make(base_url="http://no-such-host.invalid", attempts=1).send(WRITE)
    assert caught.value.hint == "check the context's URL, and that this machine can look names up"


# Proxies


def test_plain_http_through_a_proxy(make: Make, server: FaultServer) -> None:
    with Proxy() as proxy:
        transport = make(proxy=f"http://us%40er:pass%20word@127.0.0.1:{proxy.port}")
        assert transport.send(WRITE).data() == {"by": "proxy"}
        assert proxy.asked == [f"POST {server.url}/api/task/create"]
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNAZXI6cGFzcyB3b3Jk"
        assert server.requests == []


def test_tls_through_a_proxy(make: Make, authority: Authority, secure: FaultServer) -> None:
    with Proxy() as proxy:
        transport = make(
            base_url=secure.url,
            ca_bundle=str(authority.bundle),
            proxy=f"http://user:password@127.0.0.1:{proxy.port}",
        )
        assert transport.send(WRITE).status == 200
        assert proxy.asked == [f"CONNECT 127.0.0.1:{secure.port}"]
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
        assert "authorization" not in proxy.requests[0].headers
        assert "proxy-authorization" not in secure.requests[0].headers
        transport.close()


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, 4), (503, 4)])
def test_a_proxy_that_refuses_means_not_sent(
    make: Make, authority: Authority, secure: FaultServer, status: int, tries: int
) -> None:
    with Proxy(refusal=f"HTTP/1.1 {status} Sorry\x1b there\r\nContent-Length: 0\r\n\r\n".encode()) as proxy:
        with pytest.raises(NetworkFault) as caught:
            make(
                base_url=secure.url, ca_bundle=str(authority.bundle), proxy=f"http://127.0.0.1:{proxy.port}"
            ).send(WRITE)
        assert caught.value.message == (
            f"the proxy 127.0.0.1:{proxy.port} refused the way to 127.0.0.1:{secure.port}: "
            f"{status} Sorry\\x1b there"
        )
        assert caught.value.hint == "check the context's proxy, and its user and password if it needs them"
        assert len(proxy.asked) == tries
    assert secure.connections == 0


def test_a_proxy_that_drips_meets_the_deadline(make: Make, secure: FaultServer) -> None:
    drip = faults.drip(effect=False, data=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, interval=0.05)
    with FaultServer(steps=[drip]) as proxy:
        started = time.monotonic()
        with pytest.raises(NetworkFault) as caught:
            make(base_url=secure.url, proxy=proxy.url, request_timeout=0.3, attempts=1).send(WRITE)
        assert time.monotonic() - started < 0.3 + 1
    assert caught.value.message == f"cannot connect to 127.0.0.1:{secure.port}: no handshake within 0.3 s"


def test_a_proxy_that_is_not_there(make: Make, secure: FaultServer) -> None:
    port = faults.closed_port()
    for url in (secure.url, "http://example.invalid"):
        with pytest.raises(NetworkFault) as caught:
            make(base_url=url, proxy=f"http://127.0.0.1:{port}").send(WRITE)
        assert caught.value.message == f"cannot connect to the proxy 127.0.0.1:{port}: connection refused"
        assert caught.value.hint == "check the context's proxy"


def test_a_proxy_may_want_a_password_for_plain_http(make: Make) -> None:
    with Proxy(refusal=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        with pytest.raises(NetworkFault) as caught:
            make(proxy=f"http://127.0.0.1:{proxy.port}").send(WRITE)
        assert caught.value.hint == "check the user and password of the context's proxy"


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the connection was closed without an answer"),
        (b"garbage\r\n\r\n", "what it answered is not HTTP"),
        (OK + b"Content-Ty", "the connection was closed before the answer was complete"),
        (OK + b"Content-Length: 9\r\n\r\n{}", "the connection was closed before the answer was complete"),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "the connection was closed before the answer was complete",
        ),
        (OK + b"Content-Encoding: gzip\r\n\r\n{}", "its answer is compressed, but broken"),
    ],
)
def test_answers_that_break_off_behind_a_proxy(
    make: Make, server: FaultServer, answer: bytes, why: str
) -> None:
    """A proxy for plain http is asked as a server is, for a whole URL."""
    server.plan(faults.raw(answer))
    with pytest.raises(OutcomeUnknown) as caught:
        make(base_url="http://orchestrator.invalid", proxy=server.url, attempts=1).send(WRITE)
    assert f"but {why}: it may" in caught.value.message
    assert server.requests[0].target == "http://orchestrator.invalid/api/task/create"


def test_a_proxy_that_resets_or_is_silent(make: Make, server: FaultServer) -> None:
    transport = make(
        base_url="http://orchestrator.invalid", proxy=server.url, attempts=1, request_timeout=0.4
    )
    server.plan(faults.reset_after_read(effect=True))
    with pytest.raises(OutcomeUnknown, match="the connection was reset before the answer was complete"):
        transport.send(WRITE)
    server.plan(faults.silent(effect=True))
    with pytest.raises(OutcomeUnknown, match=r"(sent nothing for|completely within) 0\.4 s"):
        transport.send(WRITE)


def test_compressed_answers_behind_a_proxy_over_one_connection(make: Make, server: FaultServer) -> None:
    body = b"[" + b" " * 300_000 + b"1]"
    server.plan(faults.reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}))
    transport = make(base_url="http://orchestrator.invalid", proxy=server.url)
    assert transport.send(READ).body == body
    assert list(transport.stream(READ)) == [1]
    assert server.connections == 1


def test_urls_that_are_none(make: Make) -> None:
    for url in (
        "",
        "ftp://host",
        "host:80",
        "http://",
        "http://user:pw@host",
        "http://host?x",
        "http://ho st",
    ):
        with pytest.raises(LocalFault) as caught:
            make(base_url=url)
        assert "pw" not in caught.value.message
    for url in ("", "host:3128", "socks5://host", "http://user:secret@:1"):
        with pytest.raises(LocalFault) as caught:
            make(proxy=url)
        assert "secret" not in caught.value.message


# The environment


def test_no_environment_variable_counts(
    make: Make,
    server: FaultServer,
    secure: FaultServer,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    dead = f"http://127.0.0.1:{faults.closed_port()}"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, dead)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.bundle))
    assert make().send(READ).status == 200
    assert server.requests[0].headers["authorization"] == "Basic c2VjcmV0LWd1aWQ="
    assert make(authorize=lambda _: {}).send(READ).status == 200
    assert "authorization" not in server.requests[1].headers
    with pytest.raises(OrchctlError, match="cannot trust"):
        make(base_url=secure.url).send(READ)


def test_plain_http_makes_no_tls_context(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading certificates costs 30 ms and more."""

    def refuse(**_: object) -> None:
        raise AssertionError

    make().send(READ)
    monkeypatch.setattr("orchctl.transport.tls.context", refuse)
    make().send(READ)


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "bundle"])
def test_this_machines_own_store_is_trusted(
    make: Make,
    secure: FaultServer,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: bool,
) -> None:
    paths = ssl.get_default_verify_paths()
    if folder:
        name = _openssl_hash(authority.bundle)
        (tmp_path / f"{name}.0").write_bytes(authority.bundle.read_bytes())
    monkeypatch.setattr(sys, "platform", "linux")
    changed = paths._replace(
        openssl_capath=str(tmp_path), openssl_cafile=str("/missing" if folder else authority.bundle)
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: changed)
    assert make(base_url=secure.url).send(WRITE).status == 200


def _openssl_hash(certificate: Path) -> str:
    """The name under which OpenSSL looks an authority up: SHA-1 of its canonical subject."""
    import hashlib

    value = b"orchctl test authority"
    text = b"\x0c" + bytes([len(value)]) + value
    pair = b"\x06\x03\x55\x04\x03" + text
    sequence = b"\x30" + bytes([len(pair)]) + pair
    canonical = b"\x31" + bytes([len(sequence)]) + sequence
    return f"{int.from_bytes(hashlib.sha1(canonical).digest()[:4], 'little'):08x}"
