# Sluice's workers and its command in one image:
#
#   docker build -t sluice:0.1.0 .
#   docker run sluice:0.1.0 dist/workers/sensor.js
#
# For several architectures, each built on a machine of its own: .github/workflows/release.yml. Nothing in here depends on
# the architecture, so one machine can emulate the other:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max -t registry.example/sluice:0.1.0 --push .
#
# `npm run test:image` builds it without a container engine and starts what it has built.

# By tag: the release gives `name@sha256:…`, as does --build-arg NODE_IMAGE=$(docker buildx imagetools inspect node:24-bookworm-slim --format 'node:24-bookworm-slim@{{.Manifest.Digest}}').
ARG GO_IMAGE=golang:1.25-bookworm
ARG NODE_IMAGE=node:24-bookworm-slim

# The Go libraries that manifests are written for, as WebAssembly; the flags are those of expressions/build.mjs.
FROM ${GO_IMAGE} AS expressions
WORKDIR /build
COPY expressions/go.mod expressions/go.sum ./
RUN go mod download
COPY expressions/*.go ./
RUN GOOS=wasip1 GOARCH=wasm go build -trimpath "-ldflags=-s -w" -buildmode=c-shared -o expressions.wasm .

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npx tsc -p tsconfig.json && node dist/workers/build-workflow-bundles.js
COPY --from=expressions /build/expressions.wasm dist/expressions/expressions.wasm
# The licences of the Go modules are read by Go.
COPY --from=expressions /usr/local/go /usr/local/go
COPY --from=expressions /go/pkg/mod /go/pkg/mod
# Temporal's SDK brings its core for five platforms, 27 MB each; the image is for one of them.
RUN PATH=$PATH:/usr/local/go/bin GOPATH=/go node tools/write-notices.mjs \
    && npm run --silent sbom > dist/sbom.cdx.json \
    && npm prune --omit=dev --ignore-scripts \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" \
        -exec rm -r {} +

FROM ${NODE_IMAGE}
# git and ssh are for objects that lie in Git repositories, the certificates for all that TLS reaches. ssh refuses to run
# as a user without an entry in /etc/passwd. tini is process 1: git leaves processes behind, which Node would not reap.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 sluice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sluice
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/workflows dist/workflows
COPY --from=build /app/dist/activities dist/activities
COPY --from=build /app/dist/workers dist/workers
COPY --from=build /app/dist/workflow-bundle dist/workflow-bundle
COPY --from=build /app/dist/expressions dist/expressions
COPY --from=build /app/dist/THIRD-PARTY-NOTICES.txt /app/dist/sbom.cdx.json dist/
RUN ln -s /app/dist/src/cli/main.js /usr/local/bin/sluice && chmod +x dist/src/cli/main.js
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
# Health, metrics, webhooks.
EXPOSE 8081 7777 12000
ENTRYPOINT ["tini", "--", "node"]
CMD ["dist/workers/all-in-one.js"]

# Last, so that a new commit does not build everything again.
ARG NODE_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="Durable, auditable event-driven automation for Kubernetes: Argo Events manifests on Temporal" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"
