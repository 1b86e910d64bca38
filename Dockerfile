# Sluice's workers and its command in one image:
#
#   docker build -t sluice:0.1.0 .
#   docker run sluice:0.1.0 dist/workers/sensor.js

# The Go libraries that manifests are written for, as WebAssembly; the flags are those of expressions/build.mjs.
FROM golang:1.25-bookworm AS expressions
WORKDIR /build
COPY expressions/go.mod expressions/go.sum ./
RUN go mod download
COPY expressions/*.go ./
RUN GOOS=wasip1 GOARCH=wasm go build -trimpath "-ldflags=-s -w" -buildmode=c-shared -o expressions.wasm .

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npx tsc -p tsconfig.json && node dist/workers/build-workflow-bundles.js
COPY --from=expressions /build/expressions.wasm dist/expressions/expressions.wasm
# The licences of the Go modules are read by Go.
COPY --from=expressions /usr/local/go /usr/local/go
COPY --from=expressions /go/pkg/mod /go/pkg/mod
RUN PATH=$PATH:/usr/local/go/bin GOPATH=/go node tools/write-notices.mjs \
    && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
# For objects that lie in Git repositories; the certificates are for all that TLS reaches. ssh refuses to run as a user
# without an entry in /etc/passwd.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 sluice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sluice
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/workflows dist/workflows
COPY --from=build /app/dist/activities dist/activities
COPY --from=build /app/dist/workers dist/workers
COPY --from=build /app/dist/workflow-bundle dist/workflow-bundle
COPY --from=build /app/dist/expressions dist/expressions
COPY --from=build /app/dist/THIRD-PARTY-NOTICES.txt dist/THIRD-PARTY-NOTICES.txt
RUN ln -s /app/dist/src/cli/main.js /usr/local/bin/sluice && chmod +x dist/src/cli/main.js
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
# Health, metrics, webhooks.
EXPOSE 8081 7777 12000
ENTRYPOINT ["node"]
CMD ["dist/workers/all-in-one.js"]
