"""Being told that an answer was posted, without any library of ours: needs `cryptography`, behind HTTPS.

    URL=https://payroll.example/in SEAL=gateway-seal.pem PORT=8080 python3 receive.py

prints a line for each new event. URL is the address as it was registered (`secugate webhook add URL`).
"""

import base64
import hashlib
import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

SEALS = x509.load_pem_x509_certificates(Path(os.environ["SEAL"]).read_bytes())
COVERED = ["@method", "@target-uri", "content-digest", "content-type"]
seen = set()  # a program of yours keeps the ids of events where they last


def proven(fields, body):
    """Whether the gateway signed this, for this address, these minutes (RFC 9421)."""
    if fields["content-digest"] != f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:":
        return False
    said = re.search(
        r'secugate=(\(([^)]*)\);created=(\d+);expires=(\d+);.*keyid="(\w+)".*)', fields["signature-input"]
    )
    value = base64.b64decode(re.search(r"secugate=:([^:]+):", fields["signature"])[1])
    parts = {"@method": "POST", "@target-uri": os.environ["URL"], **fields}
    lines = [f'"{one}": {parts[one]}' for one in COVERED] + [f'"@signature-params": {said[1]}']
    base, now = "\n".join(lines).encode(), time.time()
    if said[2].replace('"', "").split() != COVERED or not int(said[3]) - 60 < now < int(said[4]):
        return False
    key = next(one for one in SEALS if one.fingerprint(hashes.SHA256()).hex() == said[5]).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, base, padding.PKCS1v15(), hashes.SHA256())
    else:
        r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
        key.verify(utils.encode_dss_signature(r, s), base, ec.ECDSA(hashes.SHA256()))
    return True


class In(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["Content-Length"]), 65536))
        try:
            is_good = proven({name.lower(): value for name, value in self.headers.items()}, body)
        except (InvalidSignature, LookupError, TypeError, ValueError, StopIteration):
            is_good = False
        self.send_response(204 if is_good else 403)  # anything but 2xx: it comes again later
        self.end_headers()
        if is_good and (event := json.loads(body))["id"] not in seen:
            seen.add(event["id"])
            print(event["type"], event["data"].get("type", ""), event["data"]["cursor"], flush=True)


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), In).serve_forever()
