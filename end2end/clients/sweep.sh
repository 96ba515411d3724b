# Unused data is freed by the command, while the server runs: as much as it announced, and
# nothing that an image needs.

sweep() {
    local repository=$USER_NAME/sweep
    say "sweep"
    make_large 64
    check "crane starts" crane_setup
    check "crane signs in" crane_login "$USER_NAME" "$PASSWORD"
    check "an image is pushed that stays" crane_push_image "$REGISTRY/$repository:kept"
    check "an image is pushed that goes" crane_ push "$CONTENT/large" "$REGISTRY/$repository:gone"
    check "what other clients have left is freed" sweep_now
    check "its tag is deleted" delete_tag "$repository" gone
    check "a day must pass before its layers go" same bytes 0 "$(sweep_ --dry-run --json | jq .bytes)"
    check "while sweeps are paused nothing is freed" sweep_paused
    check "the folder shrinks by what was announced" sweep_shrinks
    check "the image that stays comes out identical" crane_pull_image "$REGISTRY/$repository:kept" "$repository" kept
    check "nothing else is left to free" same bytes 0 "$(sweep_ --grace 0s --dry-run --json | jq .bytes)"
    check "the storage and the database agree" sweep_doctor
    crane_teardown
    rm -rf "$CONTENT/large"
}
sweep_() { PORTOLAN_DATA=$DATA "$PROGRAM" sweep "$@"; }
sweep_now() { sweep_ --grace 0s; }
sweep_paused() {
    sweep_ --pause
    refuses sweep_ --grace 0s
    sweep_ --resume
}
blob_bytes() { find "$DATA/blobs" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }'; }
sweep_shrinks() {
    local announced freed before
    before=$(blob_bytes)
    announced=$(sweep_ --grace 0s --dry-run --json | tail -n 1)
    same "bytes after the dry run" "$before" "$(blob_bytes)"
    freed=$(sweep_ --grace 0s --json | tail -n 1)
    same "what was freed" "$announced" "$freed"
    same bytes "$(jq .bytes <<<"$freed")" $((before - $(blob_bytes)))
    (($(jq .bytes <<<"$freed") > 64 << 20))
}
sweep_doctor() { PORTOLAN_DATA=$DATA "$PROGRAM" doctor | grep --quiet 'unused objects: none'; }
