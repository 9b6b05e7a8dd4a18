# syntax=docker/dockerfile:1
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --loglevel=error --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:22-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# the private stores of a single machine are optional dependencies; here the stores have addresses
RUN npm ci --omit=dev --omit=optional --loglevel=error --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production HOLDFAST_HOME=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY scripts/probe.mjs scripts/probe.mjs
USER node
VOLUME /data
EXPOSE 3000 3001
# node itself, so that SIGTERM reaches it
CMD ["node", "--enable-source-maps", "dist/main.js"]
