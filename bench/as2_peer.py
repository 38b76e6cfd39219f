"""The other side of `bench/as2.py`: django-pyas2 as a server, and a sender of its messages.

Run by the interpreter of an environment of its own, in a folder of its own:

    python as2_peer.py prepare      tables, keys and both partners
    gunicorn as2_peer:application   the server
    python as2_peer.py send URL N C signed messages, C at a time; each with a signed receipt (MDN) at once
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

PASSWORD = "only for this run"
PAYLOAD = 2_000
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.postgresql", **json.loads(os.environ["AS2_DATABASE"])}
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "pyas2",
    ],
    PYAS2={"DATA_DIR": "data"},
    MEDIA_ROOT="media",
    ROOT_URLCONF=__name__,
    SECRET_KEY=PASSWORD,
    USE_TZ=True,
    CONN_MAX_AGE=None,
)
Path("data").mkdir(exist_ok=True)
django.setup()

from pyas2 import models  # noqa: E402 - needs the settings
from pyas2lib import Mdn, Message  # noqa: E402

urlpatterns = [path("pyas2/", include("pyas2.urls"))]
application = get_wsgi_application()


def prepare() -> None:
    """Tables, a key for each side, and each as a partner of the other."""
    call_command("migrate", verbosity=0)
    ours, theirs = _pair("gateway"), _pair("sender")
    for name, (key, _), (_, other) in (("gateway", ours, theirs), ("sender", theirs, ours)):
        models.Organization.objects.create(name=name, as2_name=name, signature_key=key)
        partner = "sender" if name == "gateway" else "gateway"
        models.Partner.objects.create(
            name=partner,
            as2_name=partner,
            target_url="http://127.0.0.1/",
            signature="sha256",
            signature_cert=other,
            mdn=True,
            mdn_mode="SYNC",
            mdn_sign="sha256",
        )


def _pair(name: str) -> tuple[models.PrivateKey, models.PublicCertificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    return (
        models.PrivateKey.objects.create(name=name, key=private + certificate, key_pass=PASSWORD),
        models.PublicCertificate.objects.create(name=name, certificate=certificate, verify_cert=False),
    )


def send(url: str, count: int, at_once: int) -> None:
    """Send so many messages, signed beforehand; print seconds and how many had a signed, positive receipt."""
    sender = models.Organization.objects.get(as2_name="sender").as2org
    receiver = models.Partner.objects.get(as2_name="gateway").as2partner
    made = [_message(sender, receiver, number) for number in range(count)]
    of_thread, answers = threading.local(), []

    def one(message: Message) -> None:
        if not hasattr(of_thread, "session"):
            of_thread.session = requests.Session()
        answer = of_thread.session.post(url, data=message.content, headers=message.headers, timeout=60)
        answers.append((message, answer))

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, made))
    seconds = time.perf_counter() - began
    good = 0
    for message, answer in answers:
        head = "".join(f"{name}: {text}\n" for name, text in answer.headers.items())
        status, _ = Mdn().parse(head.encode() + b"\r\n" + answer.content, lambda *_, m=message: m)
        good += answer.status_code == 200 and status == "processed"
    print(json.dumps({"seconds": seconds, "good": good}))


def _message(sender: object, receiver: object, number: int) -> Message:
    message = Message(sender, receiver)
    text = f"{number:06} {os.urandom(PAYLOAD).hex()}"[:PAYLOAD].encode()
    message.build(text, filename=f"{number}.xml", subject="batch", content_type="application/xml")
    return message


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
