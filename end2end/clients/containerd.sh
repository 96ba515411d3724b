# containerd by `ctr`, with a daemon of its own: imports OCI archives, pushes and pulls them.

ctr_() { command ctr --address "$WORK/containerd/socket" --namespace portolan "$@"; }
containerd_setup() {
    mkdir -p "$WORK/containerd"
    cat >"$WORK/containerd/config.toml" <<TOML
version = 2
root = "$WORK/containerd/root"
state = "$WORK/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
address = "$WORK/containerd/socket"
TOML
    containerd --config "$WORK/containerd/config.toml" >"$LOGS/containerd" 2>&1 &
    echo $! >"$WORK/containerd/pid"
    wait_until 20 ctr_ version
}
# There is no session: each command brings its user, and a first one shows that they work.
containerd_login() {
    printf '%s' "$1:$2" >"$WORK/containerd/user"
    containerd_import "$CONTENT/image" "$REGISTRY/$USER_NAME/containerd:signin"
    ctr_ images push --plain-http --user "$1:$2" "$REGISTRY/$USER_NAME/containerd:signin"
}
containerd_import() {
    tar --create --file "$WORK/containerd/archive.tar" --directory "$1" .
    ctr_ images import --all-platforms --digests --base-name imported "$WORK/containerd/archive.tar"
    ctr_ images tag --force "imported@$(layout_digest "$1")" "$2"
}
containerd_push() {
    containerd_import "$1" "$2"
    ctr_ images push --plain-http --user "$(cat "$WORK/containerd/user")" "$2"
}
containerd_push_image() { containerd_push "$CONTENT/image" "$1"; }
containerd_push_index() { containerd_push "$CONTENT/index" "$1"; }
containerd_pull() {
    same "digest held" "$4" "$(held "$2" "$3")"
    containerd_forget
    ctr_ images pull --all-platforms --plain-http --user "$(cat "$WORK/containerd/user")" "$1"
    same digest "$4" "$(ctr_ images list "name==$1" | awk 'NR == 2 {print $3}')"
    # Everything below the digest arrived.
    refuses grep --quiet incomplete <(ctr_ images check "name==$1")
}
containerd_forget() {
    local name
    for name in $(ctr_ images list --quiet); do ctr_ images remove --sync "$name"; done
}
containerd_pull_image() { containerd_pull "$@" "$IMAGE"; }
containerd_pull_index() { containerd_pull "$@" "$INDEX"; }
containerd_push_again() {
    ctr_ --debug images push --plain-http --user "$(cat "$WORK/containerd/user")" "$1" >"$LOGS/again" 2>&1
    refuses grep --quiet 'blobs/uploads' "$LOGS/again"
}
containerd_stranger() {
    refuses ctr_ images pull --plain-http --user "$STRANGER:$STRANGER_PASSWORD" "$1"
}
# containerd deletes nothing in a registry; its users ask the API.
containerd_delete() { delete_tag "$2" "$3"; }
containerd_teardown() {
    kill "$(cat "$WORK/containerd/pid")"
    rm -rf "$WORK/containerd"
}
