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
    && mkdir -p "/out/$TARGETARCH/usr/local/bin" \
    && cp target/release/luxury-brands "/out/$TARGETARCH/usr/local/bin/" \
    && cp configure.ini LICENSE "/out/$TARGETARCH/"

# .github/workflows/release.yml gives the programs that it has built, as the stage `build`.
FROM scratch
ARG TARGETARCH
COPY --from=build /out/${TARGETARCH}/ /
# No name: an empty image has no /etc/passwd.
USER 65532:65532
ENV PATH=/usr/local/bin
WORKDIR /
ENTRYPOINT ["luxury-brands"]
