# The worker's image. The edge needs none of its own: docker-compose.yml gives a stock nginx our configuration.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libcurl4-openssl-dev libhiredis-dev libsimdjson-dev libssl-dev libuv1-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /millrace
COPY Package.swift ./
COPY Sources Sources
# The manifest names the test targets, and SwiftPM wants their folders to exist.
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product Worker \
    && install -s "$(swift build -c release --show-bin-path)/Worker" /usr/local/bin/Worker

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libhiredis0.14 libsimdjson14 libssl3 libstdc++6 libuv1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin millrace
COPY --from=build /usr/local/bin/Worker /usr/local/bin/Worker
USER 10001:10001
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/usr/local/bin/Worker", "--health"]
ENTRYPOINT ["/usr/local/bin/Worker"]
CMD ["--listen", "0.0.0.0:9000"]
