# skopeo: copies between OCI layouts and registries, whole indexes with `--all`.

skopeo_() { command skopeo --insecure-policy "$@"; }
skopeo_setup() { mkdir -p "$WORK/skopeo"; }
skopeo_login() {
    printf '%s' "$2" | skopeo_ login --tls-verify=false --authfile "$WORK/skopeo/auth.json" \
        --username "$1" --password-stdin "$REGISTRY"
}
skopeo_copy() { skopeo_ copy --authfile "$WORK/skopeo/auth.json" --src-tls-verify=false --dest-tls-verify=false "$@"; }
skopeo_push_image() { skopeo_copy "oci:$CONTENT/image:latest" "docker://$1"; }
skopeo_push_index() { skopeo_copy --all "oci:$CONTENT/index:latest" "docker://$1"; }
skopeo_pull() {
    same "digest held" "$4" "$(held "$2" "$3")"
    rm -rf "$WORK/skopeo/pulled"
    skopeo_copy --all "docker://$1" "oci:$WORK/skopeo/pulled:latest"
    same digest "$4" "$(layout_digest "$WORK/skopeo/pulled")"
    same_blobs "$5" "$WORK/skopeo/pulled"
}
skopeo_pull_image() { skopeo_pull "$@" "$IMAGE" "$CONTENT/image"; }
skopeo_pull_index() { skopeo_pull "$@" "$INDEX" "$CONTENT/index"; }
skopeo_push_again() {
    skopeo_ --debug copy --authfile "$WORK/skopeo/auth.json" --dest-tls-verify=false \
        "oci:$CONTENT/image:latest" "docker://$1" >"$LOGS/again" 2>&1
    grep --quiet 'already exists' "$LOGS/again"
    refuses grep --quiet 'blobs/uploads' "$LOGS/again"
}
skopeo_stranger() {
    refuses skopeo_ inspect --tls-verify=false --creds "$STRANGER:$STRANGER_PASSWORD" "docker://$1"
}
# `skopeo delete` deletes the manifest behind the tag; here no other tag has it.
skopeo_delete() { skopeo_ delete --tls-verify=false --authfile "$WORK/skopeo/auth.json" "docker://$1"; }
skopeo_teardown() { rm -rf "$WORK/skopeo"; }
