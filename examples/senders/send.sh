#!/bin/sh
# Sends one .dta file with curl, openssl and zip: sh send.sh DECSAL.dta DECSAL
# Set before: HTTPS (address), MEMBER (19 digits), CERT, KEY, ROOT (PEM files), OFFICE (CCSS or CCSSTEST).
set -eu
FILE=$1 CODE=$2
STAMP=$(TZ=Europe/Luxembourg date +%Y%m%d-%H%M%S%N | cut -c1-17)
NAME="SECU.$CODE.$STAMP.$MEMBER.$OFFICE.ASICS"
WORK=$(mktemp -d)
trap 'rm -r "$WORK"' EXIT

# The container: mimetype first and not compressed, the file, one signature beside it (docs/containers.md).
cp "$FILE" "$WORK/$CODE.dta"
cd "$WORK"
mkdir META-INF
printf 'application/vnd.etsi.asic-s+zip' > mimetype
openssl cms -sign -cades -binary -md sha256 -in "$CODE.dta" -signer "$CERT" -inkey "$KEY" -outform DER \
  -out META-INF/signature.p7s
zip -q -X -0 "$NAME" mimetype
zip -q -X -D "$NAME" "$CODE.dta" META-INF/signature.p7s
cd - > /dev/null
# Kept before it is sent: to send it again, send these bytes again. They give the same receipt.
cp "$WORK/$NAME" "$NAME"

ask() { curl --silent --show-error --fail --cacert "$ROOT" --cert "$CERT" --key "$KEY" "$@"; }
ask --retry 5 --retry-all-errors --data-binary "@$NAME" "$HTTPS/v1/deposits?name=$NAME" > "${NAME%.ASICS}.ACKREC.XML"
echo "$NAME"

# What became of it: answers are listed after a cursor, fetched, and acknowledged with their digest.
# Check the seal of each before you rely on it (README: xmlsec1, or secugate check).
ask "$HTTPS/v1/outbox?after=0" > outbox.json
