#!/bin/sh
# Abaco's quick start against Tidemill. Needs a running server (tidemill up), Docker, curl, and a static busybox.
set -eu

url=${TIDEMILL_URL:-http://localhost:7070}
host=${url#http://}
here=$(cd "$(dirname "$0")" && pwd)

# Shows a command, runs it, and shows its answer: JSON a member a line where Python is there to do that.
show() {
    printf '$ %s\n' "$1"
    answer=$(sh -c "$1")
    printf '%s\n' "$answer" | python3 -m json.tool 2> /dev/null || printf '%s\n' "$answer"
    echo
}

# A member of the last answer.
member() {
    printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# Waits until the answer at an address holds a text.
until_says() {
    for _ in $(seq 600); do
        case $(curl -s "$1") in *"$2"*) return ;; esac
        sleep 0.1
    done
    printf '%s never said %s\n' "$1" "$2" >&2
    exit 1
}

# The image: built here, so that nothing is downloaded.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/image/Dockerfile" "$here/image/test.sh" "$work"
cp "${BUSYBOX:-$(command -v busybox)}" "$work/busybox"
docker build --quiet --tag abacosamples/test "$work" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

# The README's commands.
show "curl -s -X POST --data \"image=abacosamples/test\" $host/actors"
actor=$(printf '%s' "$answer" | sed -n 's/.*"id":"\([a-z0-9]\{13\}\)".*/\1/p')
until_says "$url/actors/$actor" '"status":"READY"'

show "curl -s -X POST --data \"message=execute yourself\" $host/actors/$actor/messages"
execution=$(member executionId)
until_says "$url/actors/$actor/executions/$execution" '"status":"COMPLETE"'

show "curl -s $host/actors/$actor/executions"
show "curl -s $host/actors/$actor/executions/$execution"
show "curl -s $host/actors/$actor/executions/$execution/logs"
show "curl -s $host/actors/$actor/workers"
show "curl -s -X POST --data \"message=answer me\" \"$host/actors/$actor/messages?_abaco_synchronous=true&COLOUR=blue\" | head -3"
show "curl -s -X DELETE $host/actors/$actor"
