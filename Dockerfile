# The base images are arguments, so that the image can be built where another registry, or none, is at hand.
ARG BUILD_BASE=node:24-bookworm-slim
ARG RUN_BASE=node:24-bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /larder
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY scripts/larder.mjs scripts/
COPY src src
RUN chmod -R a+rX /larder

FROM ${RUN_BASE}
LABEL org.opencontainers.image.title="Larder" \
      org.opencontainers.image.description="A storage daemon for people who keep their own files"
# Any user may run it (--user 12345:12345): nothing below is written to, and /data belongs to whoever mounts it. The folder
# in the image is open to all so that a volume made from it can be used without a chown first.
COPY --from=build /larder /larder
RUN mkdir -m 1777 /data
# glibc keeps what picture decoders have freed, up to twice as much as is in use; told to give it back, it does.
ENV LARDER_DATA_DIR=/data NODE_ENV=production MALLOC_TRIM_THRESHOLD_=131072 PATH=/larder/node_modules/.bin:$PATH
VOLUME /data
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s \
  CMD ["node", "/larder/scripts/larder.mjs", "healthcheck"]
ENTRYPOINT ["node", "/larder/scripts/larder.mjs"]
CMD ["serve"]
