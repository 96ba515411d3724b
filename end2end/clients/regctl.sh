# regclient's regctl: copies between a registry and an OCI layout in a folder.

regctl_() { REGCTL_CONFIG=$WORK/regctl/config.json command regctl "$@"; }
regctl_setup() {
    mkdir -p "$WORK/regctl"
    regctl_ registry set --tls disabled --skip-check "$REGISTRY"
}
regctl_login() { printf '%s' "$2" | regctl_ registry login "$REGISTRY" --user "$1" --pass-stdin; }
regctl_push_image() { regctl_ image copy "ocidir://$CONTENT/image:latest" "$1"; }
regctl_push_index() { regctl_ image copy "ocidir://$CONTENT/index:latest" "$1"; }
regctl_pull() {
    rm -rf "$WORK/regctl/pulled"
    regctl_ image copy "$1" "ocidir://$WORK/regctl/pulled:latest"
    same digest "$2" "$(layout_digest "$WORK/regctl/pulled")"
    same_blobs "$3" "$WORK/regctl/pulled"
}
regctl_pull_image() { regctl_pull "$1" "$IMAGE" "$CONTENT/image"; }
regctl_pull_index() { regctl_pull "$1" "$INDEX" "$CONTENT/index"; }
regctl_push_again() {
    # Under another tag: regctl asks for the manifest first and would not look at the layers.
    regctl_ --verbosity trace image copy --force-recursive "ocidir://$CONTENT/image:latest" "$1-again" 2>"$LOGS/again"
    refuses grep --quiet 'blobs/uploads' "$LOGS/again"
}
regctl_stranger() {
    local config=$WORK/regctl/stranger.json
    REGCTL_CONFIG=$config regctl registry set --tls disabled --skip-check "$REGISTRY"
    printf '%s' "$STRANGER_PASSWORD" |
        REGCTL_CONFIG=$config regctl registry login "$REGISTRY" --user "$STRANGER" --pass-stdin
    REGCTL_CONFIG=$config refuses regctl manifest head "$1"
}
regctl_delete() { regctl_ tag delete "$1"; }
regctl_teardown() { rm -rf "$WORK/regctl"; }
