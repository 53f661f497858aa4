#!/bin/sh
# buf (https://buf.build) with the arguments given: the one on PATH, else from npm. Without node it says so and does nothing.
set -eu
if command -v buf >/dev/null 2>&1; then exec buf "$@"; fi
if command -v npx >/dev/null 2>&1; then exec npx --yes "@bufbuild/buf@${BUF:-1.75.0}" "$@"; fi
echo "skipped: buf needs node, or buf itself on PATH" >&2
