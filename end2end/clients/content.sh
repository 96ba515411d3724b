# Test content made of plain files, the same bytes on every run: OCI layouts with an image of
# several layers, a multi-platform index and one large image. It knows no client and no server.

# blob LAYOUT FILE: moves the file into the layout under its digest, and says "DIGEST SIZE".
blob() {
    local digest size
    digest=$(sha256sum "$2" | cut -d' ' -f1)
    size=$(stat -c %s "$2")
    mv "$2" "$1/blobs/sha256/$digest"
    echo "sha256:$digest $size"
}

# layout DIR: an empty OCI layout.
layout() {
    mkdir -p "$1/blobs/sha256"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
}

# layer LAYOUT FOLDER KIND: packs the folder (KIND: gzip or plain), and says
# "DIFF_ID MEDIA_TYPE DIGEST SIZE".
layer() {
    local tar="$1/layer.tar" diff type=application/vnd.oci.image.layer.v1.tar
    tar --create --file "$tar" --directory "$2" --sort=name --mtime=@0 \
        --owner=0 --group=0 --numeric-owner --format=ustar .
    diff=sha256:$(sha256sum "$tar" | cut -d' ' -f1)
    if [[ $3 == gzip ]]; then
        gzip --no-name --fast "$tar"
        tar+=.gz type+=+gzip
    fi
    echo "$diff $type $(blob "$1" "$tar")"
}

# image LAYOUT ARCHITECTURE LAYERS: an image of these layers (lines of `layer`), and says
# "DIGEST SIZE" of its manifest.
image() {
    local config_digest config_size
    jq --null-input --compact-output --arg architecture "$2" --arg layers "$3" '
        ($layers | split("\n") | map(split(" "))) as $layers |
        {created: "1970-01-01T00:00:00Z", architecture: $architecture, os: "linux",
         config: {Cmd: ["/hello"], Labels: {"org.opencontainers.image.title": "Portolan test"}},
         rootfs: {type: "layers", diff_ids: [$layers[][0]]},
         history: [$layers[] | {created: "1970-01-01T00:00:00Z", created_by: "COPY . /"}]}
    ' >"$1/config.json"
    read -r config_digest config_size <<<"$(blob "$1" "$1/config.json")"
    jq --null-input --compact-output --arg layers "$3" \
        --arg digest "$config_digest" --argjson size "$config_size" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
         config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $digest, size: $size},
         layers: [$layers | split("\n")[] | split(" ")
                  | {mediaType: .[1], digest: .[2], size: (.[3] | tonumber)}]}
    ' >"$1/manifest.json"
    blob "$1" "$1/manifest.json"
}

# entry LAYOUT MEDIA_TYPE DIGEST SIZE: makes the layout hold this as `latest`.
entry() {
    jq --null-input --compact-output --arg type "$2" --arg digest "$3" --argjson size "$4" '
        {schemaVersion: 2, manifests: [{mediaType: $type, digest: $digest, size: $size,
         annotations: {"org.opencontainers.image.ref.name": "latest"}}]}
    ' >"$1/index.json"
}

# folder NAME KIB: a folder with one file of that many KiB, always the same for the name.
folder() {
    mkdir -p "$CONTENT/files/$1"
    # The key stream of a cipher: bytes that do not compress and never change.
    head -c $(($2 * 1024)) /dev/zero |
        openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -pbkdf2 >"$CONTENT/files/$1/$1"
    echo "$CONTENT/files/$1"
}

# Makes $CONTENT/{image,index}: an image of three layers, and an index of two platforms that
# share a layer. IMAGE and INDEX are their digests.
make_content() {
    local base shared digest size arm_digest arm_size type=application/vnd.oci.image.manifest.v1+json
    layout "$CONTENT/image"
    base=$(layer "$CONTENT/image" "$(folder base 600)" gzip)
    base+=$'\n'$(layer "$CONTENT/image" "$(folder library 300)" gzip)
    base+=$'\n'$(layer "$CONTENT/image" "$(folder program 20)" gzip)
    read -r IMAGE size <<<"$(image "$CONTENT/image" amd64 "$base")"
    entry "$CONTENT/image" "$type" "$IMAGE" "$size"

    layout "$CONTENT/index"
    shared=$(layer "$CONTENT/index" "$(folder shared 200)" gzip)
    read -r digest size <<<"$(image "$CONTENT/index" amd64 \
        "$shared"$'\n'"$(layer "$CONTENT/index" "$(folder amd64 30)" gzip)")"
    read -r arm_digest arm_size <<<"$(image "$CONTENT/index" arm64 \
        "$shared"$'\n'"$(layer "$CONTENT/index" "$(folder arm64 30)" gzip)")"
    jq --null-input --compact-output --arg type "$type" --arg a "$digest" --argjson an "$size" \
        --arg b "$arm_digest" --argjson bn "$arm_size" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
         {mediaType: $type, digest: $a, size: $an, platform: {architecture: "amd64", os: "linux"}},
         {mediaType: $type, digest: $b, size: $bn, platform: {architecture: "arm64", os: "linux"}}]}
    ' >"$CONTENT/index/made.json"
    read -r INDEX size <<<"$(blob "$CONTENT/index" "$CONTENT/index/made.json")"
    entry "$CONTENT/index" application/vnd.oci.image.index.v1+json "$INDEX" "$size"
    export IMAGE INDEX
}

# make_large MIB: makes $CONTENT/large, an image of one layer of that size, afresh. LARGE is
# its digest.
make_large() {
    local lines size
    rm -rf "$CONTENT/large" "$CONTENT/files/large"
    layout "$CONTENT/large"
    lines=$(layer "$CONTENT/large" "$(folder large $(($1 * 1024)))" plain)
    rm -rf "$CONTENT/files/large"
    read -r LARGE size <<<"$(image "$CONTENT/large" amd64 "$lines")"
    entry "$CONTENT/large" application/vnd.oci.image.manifest.v1+json "$LARGE" "$size"
    export LARGE
}
