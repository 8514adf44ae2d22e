# syntax=docker/dockerfile:1
# The agent worker and the gateway, in the same steps as scripts/setup:
#   docker build -t visavis .                   the worker; needs a LiveKit server elsewhere
#   docker build -t visavis-demo --target demo . everything in one, for one Linux machine
#
#   docker run --rm -e LIVEKIT_URL -e LIVEKIT_API_KEY -e LIVEKIT_API_SECRET visavis
#   docker run --rm -p 8080:8080 -e LIVEKIT_URL -e LIVEKIT_API_KEY -e LIVEKIT_API_SECRET \
#       visavis python -m agent gateway
#   docker run --rm --init --network host visavis-demo
# The demo needs the host's network: its LiveKit server offers callers no address but loopback.

ARG PYTHON=3.11
ARG NODE=22
ARG GO=1.26

# --- livekit-server, only built for the target `demo` -------------------------------------------
FROM golang:${GO}-bookworm AS server
COPY agent/server.py /tmp/server.py
RUN version=$(sed -n 's/^LIVEKIT_SERVER_VERSION = "\(.*\)"$/\1/p' /tmp/server.py) \
    && CGO_ENABLED=0 go install "github.com/livekit/livekit-server/cmd/server@v${version}"

# --- the page -----------------------------------------------------------------------------------
FROM node:${NODE}-bookworm-slim AS web
WORKDIR /app/web
COPY web/package.json ./
RUN npm install --no-package-lock --no-audit --no-fund
COPY web ./
RUN npm run build

# --- Python packages, editable as in a checkout: the code stays in /app --------------------------
FROM python:${PYTHON}-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv .venv
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN .venv/bin/python -m pip install -c constraints.txt hatchling editables
COPY avatar avatar
COPY plugins plugins
COPY agent agent
RUN .venv/bin/python -m pip install --no-build-isolation -c constraints.txt \
    -e ./avatar $(for plugin in plugins/*/; do printf -- '-e ./%s ' "${plugin%/}"; done) \
    -e '.[offline,cloud]'

# --- what runs ----------------------------------------------------------------------------------
FROM python:${PYTHON}-slim-bookworm AS agent
RUN useradd --create-home --uid 10001 visavis
WORKDIR /app
COPY --from=packages /app /app
COPY --from=web /app/web/dist web/dist
COPY livekit.yaml ./
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VISAVIS_HOST=0.0.0.0
USER visavis
EXPOSE 8080
# Ends calls in order: TERM lets the worker drain; give it time with --stop-timeout.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "agent", "start"]

FROM agent AS demo
COPY --from=server /go/bin/server /usr/local/bin/livekit-server
ENV VISAVIS_HOST=127.0.0.1
CMD ["python", "-m", "agent", "demo", "--no-browser"]

# A plain `docker build` gives the worker.
FROM agent
