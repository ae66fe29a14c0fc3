"""Which certificates are trusted, and what TLS complaints mean in words."""

from __future__ import annotations

import re
import ssl
import sys
from pathlib import Path

from orchctl.errors import LocalFault

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


def context(
    *, ca_bundle: str | None, client_cert: str | None, client_key: str | None, insecure: bool
) -> ssl.SSLContext:
    """What every connection of a transport shares: reading a bundle costs 30 to 45 ms of CPU each time."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.set_alpn_protocols(["http/1.1"])  # some gateways choose by it
    if insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif ca_bundle is not None:
        _load_bundle(made, ca_bundle)
    else:
        _load_trusted(made)
    if client_cert is not None:
        _load_client(made, client_cert, client_key)
    return made


def _load_bundle(made: ssl.SSLContext, ca_bundle: str) -> None:
    path = Path(ca_bundle).expanduser()
    try:
        if path.is_dir():
            made.load_verify_locations(capath=path)
        else:
            made.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise LocalFault(
            f"cannot read the certificates of {ca_bundle}: {_reason(error)}",
            hint="set ca-bundle in the context to a PEM file (or a folder that c_rehash prepared)",
        ) from None


def _load_trusted(made: ssl.SSLContext) -> None:
    """This machine's own store, where companies put their authority; certifi's where there is none.

    The paths are OpenSSL's own: SSL_CERT_FILE and SSL_CERT_DIR do not count, as no environment does.
    """
    if sys.platform == "win32":
        made.load_default_certs()
        return
    paths = ssl.get_default_verify_paths()
    folder, bundle = Path(paths.openssl_capath), Path(paths.openssl_cafile)
    if folder.is_dir() and any(_HASHED.fullmatch(each.name) for each in folder.iterdir()):
        made.load_verify_locations(capath=folder)  # read one by one, when a server shows a certificate: 2 ms
    elif bundle.is_file():
        made.load_verify_locations(cafile=bundle)
    else:
        import certifi

        made.load_verify_locations(cafile=certifi.where())


def _load_client(made: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        # An empty password, or OpenSSL would ask for one on the terminal.
        made.load_cert_chain(Path(cert).expanduser(), Path(key).expanduser() if key else None, password=b"")
    except (OSError, ValueError) as error:
        raise LocalFault(
            f"cannot use the client certificate {cert}: {_reason(error)}",
            hint="client-cert and client-key in the context must be PEM files that belong together, "
            "the key without a password",
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        words = (error.reason or "").replace("_", " ").lower()
        return words or "it holds no PEM certificate"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def complaint(error: BaseException, where: str) -> tuple[str, str, bool]:
    """What a handshake broke on: why, hint, and whether it would break there again."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = (error.verify_message or "it cannot be verified").rstrip(".")
        if "hostname mismatch" in message.lower() or "ip address mismatch" in message.lower():
            hint = "check the name in the context's URL: the certificate belongs to another one"
        elif "expired" in message or "not yet valid" in message:
            hint = "have the server's certificate renewed, and check this machine's clock"
        else:
            hint = "set ca-bundle in the context to your authority's certificate (PEM)"
        return f"cannot trust {where}: {message}", hint, True
    reason = (getattr(error, "reason", None) or "").upper()
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
        return (
            f"{where} does not speak TLS",
            "if the server is plain http, the URL must begin with http://",
            True,
        )
    if reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
        return (
            f"{where} refuses the TLS handshake",
            "it may want a client certificate (client-cert and client-key in the context), or newer or older ciphers",
            True,
        )
    if reason in {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"}:
        return (
            f"{where} and this machine have no TLS version or cipher in common",
            "the server must speak TLS 1.2 or later",
            True,
        )
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        return (
            f"{where} does not accept this machine's client certificate",
            "set client-cert and client-key in the context",
            True,
        )
    words = reason.replace("_", " ").lower()
    return f"the TLS handshake with {where} broke off" + (f": {words}" if words else ""), "", False
