"""The certificate of our FairPlay deployment, which players encrypt their requests to."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_PEM = b"-----BEGIN"


def certificate_der(data: bytes) -> bytes:
    """Read a certificate, DER or PEM, and write it as DER. ValueError if it is none."""
    is_pem = data.lstrip().startswith(_PEM)
    read = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
    return read(data).public_bytes(Encoding.DER)
