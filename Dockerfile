# The programs of a cluster, one image each:
#   docker build --target coordinator -t altiplano/coordinator:0.1.0 .
#   docker build --target agent -t altiplano/agent:0.1.0 .

# npm wants the manifests of all workspaces, also of those it installs nothing for.
FROM scratch AS manifests
WORKDIR /altiplano
COPY package.json package-lock.json ./
COPY protocol/package.json protocol/
COPY kernels/package.json kernels/
COPY node-agent/package.json node-agent/
COPY coordinator/package.json coordinator/
COPY bench/package.json bench/
COPY helm/package.json helm/

FROM node:22-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ cmake ninja-build libgdal-dev libzstd-dev libhwy-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /altiplano
COPY --from=manifests /altiplano/ ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY kernels kernels
RUN npx cmake-js compile -d kernels -O kernels/build -G Ninja --target addon
COPY protocol protocol
COPY node-agent node-agent
COPY coordinator coordinator
RUN npx tsc -b node-agent coordinator

FROM node:22-bookworm-slim AS modules
WORKDIR /altiplano
COPY --from=manifests /altiplano/ ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund -w protocol -w kernels -w node-agent -w coordinator

FROM node:22-bookworm-slim AS programs
# tini reaps what tasks in processes of their own leave behind, and hands on signals.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgdal32 libzstd1 libhwy1 ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /altiplano/coordinator/bin/altiplano.js /usr/local/bin/altiplano \
 && ln -s /altiplano/node-agent/bin/altiplano-agent.js /usr/local/bin/altiplano-agent
WORKDIR /altiplano
COPY --from=modules /altiplano/ ./
COPY --from=build /altiplano/kernels/build/Release/altiplano_kernels.node kernels/build/Release/
COPY --from=build /altiplano/kernels/dist kernels/dist
COPY --from=build /altiplano/protocol/dist protocol/dist
COPY --from=build /altiplano/node-agent/dist node-agent/dist
COPY --from=build /altiplano/coordinator/dist coordinator/dist
COPY node-agent/bin node-agent/bin
COPY coordinator/bin coordinator/bin
ENV NODE_ENV=production
# The image's user "node"; nothing is written but below TMPDIR.
USER 1000:1000

FROM programs AS coordinator
ENTRYPOINT ["tini", "--", "altiplano"]
CMD ["coordinator"]

FROM programs AS agent
ENTRYPOINT ["tini", "--", "altiplano-agent"]
