# One image of a GiB goes in and comes out as it was.

large() {
    say "large"
    make_large 1024
    check "crane starts" crane_setup
    check "crane signs in" crane_login "$USER_NAME" "$PASSWORD"
    check "an image of 1 GiB goes in" large_push
    check "an image of 1 GiB comes out identical" large_pull
    crane_teardown
    rm -rf "$CONTENT/large"
}
large_push() { same digest "$LARGE" "$(crane_ push "$CONTENT/large" "$REGISTRY/$USER_NAME/large:one" | sed 's/.*@//')"; }
large_pull() { crane_pull "$REGISTRY/$USER_NAME/large:one" "$LARGE" "$CONTENT/large"; }
