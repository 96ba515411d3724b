// A minimal registry client: requests tokens, pushes images and pulls manifests. The layers that it
// pushes are not real archives; they only have to be accepted as those of an image.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { basic } from "./hub.js";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Returns the token service's URL and the service name from the registry's `WWW-Authenticate` header. */
async function challenge(hub) {
  const answer = await fetch(`${hub.url}/v2/`);
  const [, realm, service] = answer.headers.get("www-authenticate").match(/realm="([^"]*)",service="([^"]*)"/);
  return { realm, service };
}

/** Requests a token for `actions` on a repository as the account `as`. Returns the response's status and the token. */
export async function token(hub, as, repository, actions) {
  const { realm, service } = await challenge(hub);
  const query = new URLSearchParams({ service, scope: `repository:${repository}:${actions}` });
  const answer = await fetch(`${realm}?${query}`, { headers: as ? { authorization: basic(as) } : {} });
  const body = await answer.json();
  return { status: answer.status, token: body.token };
}

/** Pulls the manifest of a tag as the account `as`, and returns the response's status. */
export async function pull(hub, as, repository, tag) {
  const { token: bearer } = await token(hub, as, repository, "pull");
  const answer = await fetch(`${hub.url}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: MANIFEST, ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Pushes an image with two layers as `tag`; fails the test if a request is rejected. */
export async function push(hub, as, repository, tag) {
  const { token: bearer } = await token(hub, as, repository, "pull,push");
  const authorization = `Bearer ${bearer}`;

  const blob = async (bytes) => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const answer = await fetch(`${hub.url}/v2/${repository}/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/octet-stream" },
      body: bytes,
    });
    assert.equal(answer.status, 201, await answer.text());
    return { digest, size: bytes.length };
  };

  const steps = ["ADD rootfs.tar /", `COPY ${tag} /srv # buildkit`];
  const layers = await Promise.all(steps.map((step) => blob(Buffer.from(`${repository}:${step}`.repeat(400)))));
  const config = await blob(
    Buffer.from(
      JSON.stringify({
        architecture: "arm64",
        os: "linux",
        created: "2026-01-02T03:04:05Z",
        config: { Cmd: ["/srv/run"], Labels: { "org.opencontainers.image.version": tag } },
        rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
        history: steps.map((step) => ({ created_by: step })),
      }),
    ),
  );
  const answer = await fetch(`${hub.url}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { authorization, "content-type": MANIFEST },
    body: JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, ...config },
      layers: layers.map((layer) => ({ mediaType: LAYER, ...layer })),
    }),
  });
  assert.equal(answer.status, 201, await answer.text());
}
