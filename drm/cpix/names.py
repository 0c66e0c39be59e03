"""Names that CPIX documents are made of: namespaces, algorithms, children in their order."""

from __future__ import annotations

CPIX = "urn:dashif:org:cpix"
PSKC = "urn:ietf:params:xml:ns:keyprov:pskc"  # RFC 6030: how a key is carried
ENC = "http://www.w3.org/2001/04/xmlenc#"
DS = "http://www.w3.org/2000/09/xmldsig#"
NAMESPACES = {"cpix": CPIX, "pskc": PSKC, "enc": ENC, "ds": DS}

# CPIX 2.4, "Mandatory Algorithms".
AES_256_CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
RSA_OAEP_MGF1_SHA1 = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
HMAC_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"


def cpix(name: str) -> str:
    """A name of CPIX's own, as lxml writes it."""
    return f"{{{CPIX}}}{name}"


def pskc(name: str) -> str:
    """A name of RFC 6030."""
    return f"{{{PSKC}}}{name}"


def enc(name: str) -> str:
    """A name of XML Encryption."""
    return f"{{{ENC}}}{name}"


def ds(name: str) -> str:
    """A name of XML Signature, whose X.509 elements CPIX borrows."""
    return f"{{{DS}}}{name}"
