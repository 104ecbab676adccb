"""Makes the certificates that the tests of TLS use; they last until 2120.

    /usr/bin/python3 test/python/certificates/make.py    # python3-cryptography
"""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = pathlib.Path(__file__).parent
AUTHORITY = "erlang_python tests"


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuers_key, first_year, last_year):
    """PEM. A certificate for a host, or for an authority if it is for AUTHORITY."""
    is_authority = subject == AUTHORITY
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(first_year, 1, 1))
        .not_valid_after(datetime.datetime(last_year, 1, 1))
        .add_extension(x509.BasicConstraints(is_authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key()), False
        )
    )
    if is_authority:
        uses = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(uses, True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), False)
    signed = builder.sign(issuers_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def main():
    root = new_key()
    (HERE / "authority.pem").write_bytes(certificate(AUTHORITY, root, AUTHORITY, root, 2020, 2120))
    for file, host, first_year, last_year in (
        ("localhost", "localhost", 2020, 2120),
        ("elsewhere", "elsewhere.test", 2020, 2120),
        ("expired", "localhost", 2020, 2021),
        ("future", "localhost", 2119, 2120),
    ):
        key = new_key()
        signed = certificate(host, key, AUTHORITY, root, first_year, last_year)
        (HERE / f"{file}.pem").write_bytes(pem(key) + signed)
    key = new_key()
    signed = certificate("localhost", key, "localhost", key, 2020, 2120)
    (HERE / "stranger.pem").write_bytes(pem(key) + signed)


if __name__ == "__main__":
    main()
