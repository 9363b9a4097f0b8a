# The emulator in a container:
#   docker build -t wps .
#   docker run --rm -p 127.0.0.1:8080:8080 wps
# Flags of `wps emulator` may follow; `--advertise http://HOST:PORT` names it as its clients know it. Other commands:
#   docker run --rm --env WPS_URL --entrypoint wps wps listen -g group1
# docs/deployment.md says more.
FROM rust:1.95-slim AS build
WORKDIR /wps
# What is depended on, in a layer of its own, which lasts until the manifests change: the crates are empty in it.
COPY Cargo.toml Cargo.lock ./
COPY src/allocator/Cargo.toml src/allocator/
COPY src/proto/Cargo.toml src/proto/
COPY src/net/Cargo.toml src/net/
COPY src/client/Cargo.toml src/client/
COPY src/emulator/Cargo.toml src/emulator/
COPY src/spoil/Cargo.toml src/spoil/
RUN touch src/allocator/lib.rs src/proto/lib.rs src/net/lib.rs src/client/lib.rs src/emulator/lib.rs src/spoil/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --locked --profile dist
COPY . .
# Cargo goes by times, and those of the checkout may be older than the layer.
RUN touch src/main.rs src/*/lib.rs && cargo build --locked --profile dist

FROM debian:stable-slim
# For `wss://` and for event handlers behind HTTPS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /wps/target/dist/wps /usr/local/bin/wps
USER nobody
EXPOSE 8080
# With another --port, or for another command, `--no-healthcheck` or one of your own.
HEALTHCHECK --interval=5s --timeout=5s --start-period=5s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/localhost/8080 && printf 'GET /api/health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n1 <&3 | grep -q ' 200 '"]
# A container's own loopback address cannot be reached from outside.
ENTRYPOINT ["wps", "emulator", "--bind", "0.0.0.0"]
