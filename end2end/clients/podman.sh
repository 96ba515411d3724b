# podman, with storage of its own: loads OCI layouts, builds manifest lists, pushes both.

podman_() {
    command podman --root "$WORK/podman/root" --runroot "$WORK/podman/run" --storage-driver vfs \
        --cgroup-manager cgroupfs --events-backend none "$@"
}
podman_setup() { mkdir -p "$WORK/podman" && podman_ info; }
podman_login() {
    printf '%s' "$2" | podman_ login --tls-verify=false --authfile "$WORK/podman/auth.json" \
        --username "$1" --password-stdin "$REGISTRY"
}
podman_push() { podman_ push --tls-verify=false --authfile "$WORK/podman/auth.json" "$@"; }
podman_pull() { podman_ pull --quiet --tls-verify=false --authfile "$WORK/podman/auth.json" "$@"; }
podman_push_image() {
    podman_ pull --quiet "oci:$CONTENT/image" >"$WORK/podman/id"
    podman_ tag "$(cat "$WORK/podman/id")" "$1"
    podman_push --digestfile "$WORK/podman/digest" "$1"
}
podman_pull_image() {
    same "digest held" "$(cat "$WORK/podman/digest")" "$(held "$2" "$3")"
    podman_ rmi --force "$(cat "$WORK/podman/id")"
    same "image id" "$(cat "$WORK/podman/id")" "$(podman_pull "$1")"
    same "digest pulled" "$(cat "$WORK/podman/digest")" "$(podman_ inspect --format '{{.Digest}}' "$1")"
}
podman_push_again() {
    podman_ --log-level debug push --tls-verify=false --authfile "$WORK/podman/auth.json" "$1" >"$LOGS/again" 2>&1
    grep --quiet 'already exists' "$LOGS/again"
    refuses grep --quiet 'blobs/uploads' "$LOGS/again"
}
podman_push_index() {
    podman_ manifest create "$1"
    podman_ manifest add --all "$1" "oci:$CONTENT/index"
    podman_ manifest push --all --tls-verify=false --authfile "$WORK/podman/auth.json" \
        --digestfile "$WORK/podman/list" "$1" "docker://$1"
}
podman_pull_index() {
    local architecture
    same "digest held" "$(cat "$WORK/podman/list")" "$(held "$2" "$3")"
    podman_ manifest rm "$1"
    for architecture in amd64 arm64; do
        podman_pull --arch "$architecture" "$1"
        same architecture "$architecture" "$(podman_ inspect --format '{{.Architecture}}' "$1")"
    done
}
podman_stranger() {
    refuses podman_ pull --tls-verify=false --creds "$STRANGER:$STRANGER_PASSWORD" "$1"
}
# podman_finds REPOSITORY [OPTIONS…]: a search for the repository's name shows it.
podman_finds() {
    local repository=$1
    shift
    podman_ search --tls-verify=false --authfile "$WORK/podman/auth.json" --format '{{.Name}}' "$@" \
        "$REGISTRY/${repository##*/}" | grep --quiet --line-regexp "$REGISTRY/$repository"
}
podman_search() {
    wait_until 5 found "$1"
    # podman sends nothing of its sign-in along with a search: it finds what everybody may see.
    refuses podman_finds "$1"
    open_to_all "$1"
    wait_until 5 podman_finds "$1" --limit 1
    refuses podman_finds "$1" --filter stars=1
    star "$1"
    wait_until 5 podman_finds "$1" --filter stars=1
    refuses podman_finds "$1" --filter is-official
}
# podman deletes nothing in a registry; its users ask the API.
podman_delete() { delete_tag "$2" "$3"; }
podman_teardown() { podman_ rmi --all --force; rm -rf "$WORK/podman"; }
