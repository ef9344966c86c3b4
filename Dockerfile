FROM python:3.13-slim-bookworm AS build
WORKDIR /build

# Every wheel is checked against the pinned hashes here; later steps take from this folder and nowhere else.
COPY requirements/dev.txt requirements/dev.txt
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir=/wheels -r requirements/dev.txt

COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY server server
RUN pip wheel --no-cache-dir --no-index --find-links=/wheels --no-deps --wheel-dir=/wheels . \
    && python -m venv --without-pip /opt/dropcast \
    && pip --python /opt/dropcast/bin/python install --no-cache-dir --no-compile \
        --no-index --find-links=/wheels "$(echo /wheels/dropcast-*.whl)[embedded]" \
    && /opt/dropcast/bin/python -m compileall -q /opt/dropcast/lib


FROM python:3.13-slim-bookworm

RUN groupadd --gid 10001 dropcast \
    && useradd --uid 10001 --gid dropcast --no-create-home --home-dir /data --shell /usr/sbin/nologin dropcast \
    && install -d -o dropcast -g dropcast -m 0700 /data

COPY --from=build /opt/dropcast /opt/dropcast

# The root file system may be read-only: whatever is written, temporary files too, goes to /data.
ENV PATH="/opt/dropcast/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/data \
    DROPCAST_HOST=0.0.0.0 \
    DROPCAST_DATA_DIR=/data

USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8470

# It reads the same variables as the server. A server that is given flags needs a check that is given them, too.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["dropcast", "health", "--live"]

ENTRYPOINT ["dropcast", "serve"]
