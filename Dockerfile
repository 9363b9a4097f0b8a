# The emulator in a container:
#   docker build -t wps .
#   docker run --rm -p 8080:8080 wps
# Flags of `wps emulator` may follow; `--advertise http://HOST:PORT` names it as its clients know it.
FROM rust:1.95-slim AS build
WORKDIR /wps
COPY . .
RUN cargo build --locked --release

FROM debian:stable-slim
COPY --from=build /wps/target/release/wps /usr/local/bin/wps
USER nobody
EXPOSE 8080
# A container's own loopback address cannot be reached from outside.
ENTRYPOINT ["wps", "emulator", "--bind", "0.0.0.0"]
