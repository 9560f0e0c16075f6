#!/bin/sh
# Signs a payload as GitHub does and posts it.
#
#   send.sh [EVENT [FILE]]    EVENT: push (the default), issues, pull_request, …
#                             FILE: the payload; payloads/EVENT.json if not given
#
# GITHUB_WEBHOOK_SECRET   the secret to sign with; the one of function.yaml if not set
# URL                     where to post; http://127.0.0.1:7070/f/github-webhook if not set
set -eu

here=$(dirname "$0")
event=${1:-push}
file=${2:-$here/payloads/$event.json}
secret=${GITHUB_WEBHOOK_SECRET-low-water-mark}
url=${URL:-http://127.0.0.1:7070/f/github-webhook}

[ -r "$file" ] || { echo "send.sh: cannot read $file" >&2; exit 1; }

signature=$(openssl dgst -sha256 -hmac "$secret" -r < "$file" | cut -d ' ' -f 1)

curl -sS -w 'HTTP %{http_code}\n' "$url" \
    -H 'Content-Type: application/json' \
    -H "X-GitHub-Event: $event" \
    -H "X-Hub-Signature-256: sha256=$signature" \
    --data-binary "@$file"
