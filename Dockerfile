# Two stages: one that installs, one that runs; no compiler, no root, no key in the second.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/secugate
COPY requirements.lock ./
RUN /opt/secugate/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY gateway gateway
COPY inbox inbox
COPY outbox outbox
COPY signing signing
COPY xsd xsd
COPY examples examples
RUN /opt/secugate/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/secugate --create-home secugate
COPY --from=build /opt/secugate /opt/secugate
ENV PATH=/opt/secugate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SECUGATE_DATA=/var/lib/secugate/data \
    SECUGATE_HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/secugate
VOLUME /var/lib/secugate
EXPOSE 8443 8022
HEALTHCHECK --interval=30s --timeout=5s \
  CMD ["python", "-c", "import ssl, urllib.request; urllib.request.urlopen('https://127.0.0.1:8443/health', context=ssl._create_unverified_context(), timeout=4)"]
ENTRYPOINT ["secugate"]
CMD ["serve"]
