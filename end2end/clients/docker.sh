# docker, with a daemon of its own: builds its images itself, as its users do.

docker_() { command docker --config "$WORK/docker/config" --host "unix://$WORK/docker/socket" "$@"; }
docker_setup() {
    mkdir -p "$WORK/docker/config" "$WORK/docker/build"
    dockerd --data-root "$WORK/docker/data" --exec-root "$WORK/docker/run" \
        --pidfile "$WORK/docker/pid" --host "unix://$WORK/docker/socket" \
        --storage-driver overlay2 --iptables=false --ip6tables=false --bridge=none \
        >"$LOGS/dockerd" 2>&1 &
    wait_until 30 docker_ version
    cp -r "$CONTENT/files/." "$WORK/docker/build"
}
docker_login() { printf '%s' "$2" | docker_ login --username "$1" --password-stdin "$REGISTRY"; }
# docker_build REFERENCE FOLDER…: an image with a layer a folder.
docker_build() {
    local reference=$1 folder
    shift
    {
        echo 'FROM scratch'
        for folder in "$@"; do echo "COPY $folder /$folder"; done
        echo 'CMD ["/hello"]'
    } >"$WORK/docker/build/Dockerfile"
    DOCKER_BUILDKIT=0 docker_ build --quiet --tag "$reference" "$WORK/docker/build"
}
docker_id() { docker_ image inspect --format '{{.Id}}' "$1"; }
docker_digest() { docker_ image inspect --format '{{index .RepoDigests 0}}' "$1" | sed 's/.*@//'; }
docker_push_image() {
    docker_build "$1" base library program
    docker_id "$1" >"$WORK/docker/id"
    docker_ push "$1"
    docker_digest "$1" >"$WORK/docker/digest"
}
docker_pull_image() {
    same "digest held" "$(cat "$WORK/docker/digest")" "$(held "$2" "$3")"
    docker_ image rm --force "$(cat "$WORK/docker/id")"
    docker_ pull "$1"
    same "image id" "$(cat "$WORK/docker/id")" "$(docker_id "$1")"
    same "digest pulled" "$(cat "$WORK/docker/digest")" "$(docker_digest "$1")"
}
docker_push_again() {
    docker_ push "$1" >"$LOGS/again"
    same "layers skipped" 3 "$(grep -c 'Layer already exists' "$LOGS/again")"
}
docker_push_index() {
    local architecture
    for architecture in amd64 arm64; do
        docker_build "$1-$architecture" shared "$architecture"
        docker_ push "$1-$architecture"
    done
    docker_ manifest create --insecure "$1" "$1-amd64" "$1-arm64"
    docker_ manifest annotate --arch arm64 "$1" "$1-arm64"
    docker_ manifest push --insecure "$1" | grep --only-matching 'sha256:[0-9a-f]*' >"$WORK/docker/list"
}
docker_pull_index() {
    same "digest held" "$(cat "$WORK/docker/list")" "$(held "$2" "$3")"
    docker_ image rm --force "$1-amd64" "$1-arm64"
    docker_ pull --platform linux/amd64 "$1"
    same "digest pulled" "$(cat "$WORK/docker/list")" "$(docker_digest "$1")"
}
docker_as_stranger() { command docker --config "$WORK/docker/stranger" --host "unix://$WORK/docker/socket" "$@"; }
docker_stranger() {
    printf '%s' "$STRANGER_PASSWORD" |
        docker_as_stranger login --username "$STRANGER" --password-stdin "$REGISTRY"
    refuses docker_as_stranger pull "$1"
}
# docker_finds WHO REPOSITORY [OPTIONS…]: a search for the repository's name shows it.
docker_finds() {
    local who=$1 repository=$2
    shift 2
    "$who" search --format '{{.Name}}' "$@" "$REGISTRY/${repository##*/}" | grep --quiet --line-regexp "$repository"
}
docker_search() {
    wait_until 5 docker_finds docker_ "$1"
    refuses docker_finds docker_as_stranger "$1"
    open_to_all "$1"
    wait_until 5 docker_finds docker_as_stranger "$1"
    refuses docker_finds docker_ "$1" --filter stars=1
    star "$1"
    wait_until 5 docker_finds docker_ "$1" --filter stars=1
    docker_finds docker_ "$1" --filter is-official=false
    refuses docker_finds docker_ "$1" --filter is-official=true
    same "rows of a search with a limit" 1 \
        "$(docker_ search --limit 1 --format '{{.Name}}' "$REGISTRY/${1%%/*}" | wc -l)"
}
# docker deletes nothing in a registry; its users ask the API.
docker_delete() { delete_tag "$2" "$3"; }
docker_teardown() {
    kill "$(cat "$WORK/docker/pid")"
    wait_until 20 test ! -e "$WORK/docker/pid"
    rm -rf "$WORK/docker"
}
