# The server is killed in the middle of a push: what was acknowledged stays, what was not
# leaves nothing to see, and the push can be made again.

crash() {
    local layer
    say "crash"
    make_large 512
    layer=$(jq --raw-output '.layers[0].digest' "$CONTENT/large/blobs/sha256/${LARGE#sha256:}")
    check "crane starts" crane_setup
    check "crane signs in" crane_login "$USER_NAME" "$PASSWORD"
    check "an image is pushed before the crash" crane_push_image "$REGISTRY/$USER_NAME/crash:before"
    check "the server is killed while a layer arrives" crash_in_push
    wait "$HUB" 2>/dev/null || true
    start_hub
    check "the image pushed before is whole" crane_pull_image "$REGISTRY/$USER_NAME/crash:before"
    check "the tag that was not acknowledged is not there" gone "$USER_NAME/crash" after
    check "the layer that was not acknowledged is not there" \
        same status 404 "$(status HEAD "$USER_NAME/crash" "blobs/$layer")"
    check "the push is repeated" crash_repeat
    check "what was repeated comes out identical" crane_pull "$REGISTRY/$USER_NAME/crash:after" "$LARGE" "$CONTENT/large"
    crane_teardown
    rm -rf "$CONTENT/large"
}
stored() { du --summarize --block-size=1M "$DATA" | cut -f1; }
stored_more_than() { (($(stored) > $1)); }
crash_in_push() {
    local before push
    before=$(stored)
    crane_ push "$CONTENT/large" "$REGISTRY/$USER_NAME/crash:after" >"$LOGS/crash" 2>&1 &
    push=$!
    wait_until 30 stored_more_than $((before + 64))
    kill -KILL "$HUB"
    kill "$push" 2>/dev/null || true
    refuses wait "$push"
}
crash_repeat() {
    same digest "$LARGE" "$(crane_ push "$CONTENT/large" "$REGISTRY/$USER_NAME/crash:after" | sed 's/.*@//')"
}
