# The base images are arguments, so that the image can be built where another registry, or none, is at hand
# (scripts/image). RUN_BASE needs glibc 2.34 and libstdc++ and nothing else: gcr.io/distroless/cc-debian12 does as well.
ARG BUILD_BASE=node:24-bookworm-slim
ARG RUN_BASE=debian:bookworm-slim

FROM ${BUILD_BASE} AS build
# Makes the program smaller by the names of its inner parts.
RUN command -v strip || (apt-get update && apt-get install -y --no-install-recommends binutils)
WORKDIR /larder
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY scripts/build scripts/build
COPY src src
# The commit, for `larder --version`; there is no repository in here to ask:
# docker build --build-arg SOURCE_COMMIT="$(git rev-parse --short=12 HEAD)" .
ARG SOURCE_COMMIT
RUN npm run build && mkdir -p volume/data && chmod 1777 volume/data

FROM ${RUN_BASE}
ARG SOURCE_COMMIT
ARG VERSION
LABEL org.opencontainers.image.title="Larder" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.description="A storage daemon for people who keep their own files: a 2xx means on disk" \
      org.opencontainers.image.documentation="larder --help, and docs/ beside the sources" \
      org.opencontainers.image.revision="${SOURCE_COMMIT}"
COPY --from=build /larder/dist/larder /usr/local/bin/larder
# Nothing but /data is written to, so the root may be read-only and the user anybody (--user 12345:12345). What a volume is
# made from is open to all, for a user of whom the image cannot know; Larder closes what it makes in it to others.
COPY --from=build /larder/volume /
# glibc keeps what picture decoders have freed, up to twice as much as is in use; told to give it back, it does.
ENV LARDER_DATA_DIR=/data MALLOC_TRIM_THRESHOLD_=131072
VOLUME /data
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["larder", "healthcheck"]
ENTRYPOINT ["larder"]
CMD ["serve"]
