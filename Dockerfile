# luxury-brands, a single static file, in an image that holds nothing else. docs/install.md describes its use.
#
#   docker build --tag luxury-brands-data-collector .

# Alpine's C library, musl, links into the program, so the image needs none.
FROM rust:1.95-alpine AS build
ARG TARGETARCH
# The headers that ring's C code needs.
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p luxury-brands \
    && mkdir -p "/image/$TARGETARCH/root/usr/local/bin" "/image/$TARGETARCH/empty" \
    && cp target/release/luxury-brands "/image/$TARGETARCH/root/usr/local/bin/" \
    && cp configure.ini LICENSE "/image/$TARGETARCH/root/"

# .github/workflows/release.yml replaces the stage `build` with the programs that it has built.
FROM scratch
ARG TARGETARCH
COPY --from=build /image/${TARGETARCH}/root/ /
# The only folder that the user can write.
COPY --from=build --chown=65532:65532 /image/${TARGETARCH}/empty/ /out/
# No name: an empty image has no /etc/passwd.
USER 65532:65532
ENV PATH=/usr/local/bin
WORKDIR /out
ENTRYPOINT ["luxury-brands"]
