# What every client's script uses: a server of its own on loopback, two accounts, checks that
# are counted, and a plain look at what the registry holds. It knows no client.

# Lower case: podman takes the path for an image name.
WORK=${TMPDIR:-/tmp}/portolan-clients-$$
CONTENT=$WORK/content
DATA=$WORK/data
LOGS=$WORK/logs
mkdir "$WORK" && mkdir "$CONTENT" "$LOGS"
PASSED=0 FAILED=0
USER_NAME=anna PASSWORD='correct horse battery staple'
STRANGER=bert STRANGER_PASSWORD='an entirely different secret'

# The server reads PORTOLAN_*; what the tests are told by such names is not meant for it.
for name in "${!PORTOLAN_@}"; do unset "$name"; done

say() { printf '%s\n' "$*"; }

# check SENTENCE COMMAND…: runs the command; its output is shown only when it fails.
check() {
    local sentence=$1 start=$SECONDS status
    shift
    # Not as a condition: bash would then ignore `set -e` inside.
    set +e
    (set -e && "$@") >"$LOGS/check" 2>&1 </dev/null
    status=$?
    set -e
    if ((status == 0)); then
        PASSED=$((PASSED + 1))
        say "  ok    $sentence ($((SECONDS - start)) s)"
    else
        FAILED=$((FAILED + 1))
        say "  FAIL  $sentence"
        tail -n 40 "$LOGS/check" | sed 's/^/        | /'
    fi
    return 0
}

# refuses COMMAND…: succeeds where the command fails.
refuses() { ! "$@"; }

# same WHAT EXPECTED ACTUAL
same() {
    [[ -n $2 && $2 == "$3" ]] || { say "$1: expected $2, got $3"; return 1; }
}

# wait_until SECONDS COMMAND…: repeats the command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || { say "never came true: $*"; return 1; }
        sleep 0.1
    done
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_hub() {
    PORT=${PORT:-$(free_port)}
    REGISTRY=127.0.0.1:$PORT
    "$PROGRAM" serve --data "$DATA" --listen "$REGISTRY" --public-url "http://$REGISTRY" \
        >>"$LOGS/hub" 2>&1 &
    HUB=$!
    wait_until 30 curl --silent --fail "http://$REGISTRY/readyz" || { tail -n 40 "$LOGS/hub"; return 1; }
}

stop_hub() {
    [[ -n ${HUB:-} ]] || return 0
    kill -TERM "$HUB" 2>/dev/null || true
    wait "$HUB" 2>/dev/null || true
    HUB=
}

add_user() {
    printf '%s' "$2" |
        PORTOLAN_DATA=$DATA "$PROGRAM" user add "$1" --email "$1@example.org" --password-stdin \
            >>"$LOGS/accounts" 2>&1
}

# bearer REPOSITORY ACTIONS: a token as a client would get it: where the challenge says.
bearer() {
    local challenge
    challenge=$(curl --silent --head "http://$REGISTRY/v2/" | grep --ignore-case '^www-authenticate: bearer')
    [[ $challenge =~ realm=\"([^\"]*)\",service=\"([^\"]*)\" ]] || return
    curl --silent --fail --get --user "$USER_NAME:$PASSWORD" --data-urlencode "service=${BASH_REMATCH[2]}" \
        --data-urlencode "scope=repository:$1:$2" "${BASH_REMATCH[1]}" | jq --raw-output .token
}

# api METHOD REPOSITORY PATH [CURL OPTIONS…]: a request of the v2 API as the first account.
api() {
    local method=$1 repository=$2 path=$3
    shift 3
    [[ $method == HEAD ]] && set -- --head "$@"
    curl --silent --show-error --request "$method" "$@" \
        --header "Authorization: Bearer $(bearer "$repository" pull,push,delete)" \
        "http://$REGISTRY/v2/$repository/$path"
}

# rest METHOD PATH [CURL OPTIONS…]: a request of the REST API as the first account.
rest() {
    local method=$1 path=$2
    shift 2
    curl --silent --show-error --fail --request "$method" --user "$USER_NAME:$PASSWORD" \
        --header 'Content-Type: application/json' "$@" "http://$REGISTRY/api/v1/$path"
}
open_to_all() { rest PATCH "repositories/$1" --data '{"visibility":"public"}'; }
star() { rest PUT "repositories/$1/-/star"; }
# found REPOSITORY: the search has it, for the first account.
found() { rest GET "search?q=${1##*/}" | jq --exit-status --arg path "$1" 'any(.items[]; .path == $path)'; }

ACCEPT='application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json,
 application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json'
ACCEPT=${ACCEPT//$'\n'/}

# held REPOSITORY REFERENCE: the digest of what the registry holds, computed from its bytes.
held() {
    api GET "$1" "manifests/$2" --fail --header "Accept: $ACCEPT" --output "$LOGS/held" &&
        echo "sha256:$(sha256sum "$LOGS/held" | cut -d' ' -f1)"
}

# status METHOD REPOSITORY PATH: the status alone.
status() { api "$@" --output /dev/null --write-out '%{http_code}' --header "Accept: $ACCEPT"; }

delete_tag() { same "status of DELETE" 202 "$(status DELETE "$1" "manifests/$2")"; }

# gone REPOSITORY TAG: the tag can be neither pulled nor listed.
gone() {
    same "status of a deleted tag" 404 "$(status GET "$1" "manifests/$2")"
    if api GET "$1" tags/list | jq --exit-status --arg tag "$2" '.tags // [] | index($tag)'; then
        return 1
    fi
}

# layout_digest DIR: the digest of the one entry of an OCI layout.
layout_digest() { jq --raw-output '.manifests[0].digest' "$1/index.json"; }

# same_blobs ONE OTHER: both layouts hold the same blobs, byte for byte.
same_blobs() {
    diff <(cd "$1/blobs/sha256" && sha256sum -- * | sort) <(cd "$2/blobs/sha256" && sha256sum -- * | sort)
}

tidy_up() {
    local stop
    for stop in $(declare -F | cut -d' ' -f3 | grep '_teardown$'); do "$stop" >/dev/null 2>&1 || true; done
    stop_hub
    if ((FAILED)); then say "logs are kept in $LOGS"; rm -rf "$CONTENT" "$DATA"; else rm -rf "$WORK"; fi
}
