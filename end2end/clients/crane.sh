# Google's crane: pushes OCI layouts as they are and says which blobs exist already.

crane_() { DOCKER_CONFIG=$WORK/crane command crane --insecure "$@"; }
crane_setup() { mkdir -p "$WORK/crane" && command crane version; }
crane_login() { crane_ auth login "$REGISTRY" --username "$1" --password "$2" && crane_can_read; }
# crane stores a password without trying it.
crane_can_read() { crane_ catalog "$REGISTRY"; }
crane_push_image() { same digest "$IMAGE" "$(crane_ push "$CONTENT/image" "$1" | sed 's/.*@//')"; }
crane_push_index() { same digest "$INDEX" "$(crane_ push "$CONTENT/index" "$1" | sed 's/.*@//')"; }
crane_pull() {
    rm -rf "$WORK/crane/pulled"
    crane_ pull --format oci "$1" "$WORK/crane/pulled"
    same digest "$2" "$(layout_digest "$WORK/crane/pulled")"
    same_blobs "$3" "$WORK/crane/pulled"
}
crane_pull_image() { crane_pull "$1" "$IMAGE" "$CONTENT/image"; }
crane_pull_index() { crane_pull "$1" "$INDEX" "$CONTENT/index"; }
crane_push_again() {
    crane_ push "$CONTENT/image" "$1-again" 2>"$LOGS/again"
    same "blobs that exist" 4 "$(grep -c 'existing blob' "$LOGS/again")"
}
crane_stranger() {
    DOCKER_CONFIG=$WORK/crane-stranger command crane auth login "$REGISTRY" \
        --username "$STRANGER" --password "$STRANGER_PASSWORD"
    DOCKER_CONFIG=$WORK/crane-stranger refuses command crane --insecure digest "$1"
}
crane_delete() { crane_ delete "$1"; }
crane_teardown() { rm -rf "$WORK"/crane*; }
