#!/bin/sh
# Checks the subject of every commit in a range: `sh deploy/subjects.sh origin/main..HEAD`. Names all that will not do.
set -eu
message=$(mktemp)
trap 'rm -f "$message"' EXIT
refused=0
for commit in $(git rev-list --no-merges "$1"); do
    git show --no-patch --format=%B "$commit" >"$message"
    sh "$(dirname "$0")/commit-msg" "$message" || refused=1
done
exit "$refused"
