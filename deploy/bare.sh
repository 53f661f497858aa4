#!/bin/sh
# Runs both commands of the README in a new container that has Debian's git, make and Python and nothing else, once for
# each user named: `sh deploy/bare.sh root stranger`. Needs Docker. What is tested is what is committed.
#   BARE_IMAGE        the image to begin with (debian:bookworm-slim)
#   BARE_DOCKER_ARGS  further arguments of `docker build` and `docker run`, such as --network=host
#   BARE_DOCKER_RUN   further arguments of `docker run` alone, such as -v /etc/ssl/certs:/etc/ssl/certs:ro; an engine
#                     whose seccomp profile does not know Landlock needs --security-opt=seccomp=unconfined
set -eu
cd "$(dirname "$0")/.."
docker version >/dev/null || { echo "bare: no Docker engine answers" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git bundle create -q "$work/cutlog.bundle" HEAD
cat > "$work/Dockerfile" <<END
FROM ${BARE_IMAGE:-debian:bookworm-slim}
RUN apt-get update -qq \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates git make python3 python3-venv \\
 && rm -rf /var/lib/apt/lists/* && useradd --create-home stranger
COPY cutlog.bundle /cutlog.bundle
END
# shellcheck disable=SC2086
docker build -q ${BARE_DOCKER_ARGS:-} -t cutlog-bare "$work" >/dev/null
for user in "$@"; do
    printf '\n== make demo, make test as %s\n' "$user"
    # shellcheck disable=SC2086
    docker run --rm --init ${BARE_DOCKER_ARGS:-} ${BARE_DOCKER_RUN:-} -u "$user" cutlog-bare sh -euc '
        cd && git clone -q /cutlog.bundle cutlog && cd cutlog && make demo && make test'
done
