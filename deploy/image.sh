#!/usr/bin/env bash
# Build the image of Spark batches and push it, tagged with the commit and latest: deploy/image.sh REPOSITORY/NAME
# Prints nothing but the image with the commit's tag on standard output, for TF_VAR_container_image.
set -euo pipefail
cd "$(dirname "$0")/.."
image=${1:-}
die() { printf 'image: %s\n' "$@" >&2; exit 2; }

[ -n "$image" ] || die "which image? IMAGE=repository/name; terraform -chdir=deploy/gcp output image_repository names it"
command -v docker >/dev/null || die "docker isn't installed; without an image the packages go as an archive"
[ -z "$(git status --porcelain)" ] || die "there are changes that aren't committed: no commit would name this image"

commit=$(git rev-parse --short=12 HEAD)
docker build --platform linux/amd64 --file deploy/Dockerfile --tag "$image:$commit" --tag "$image:latest" . >&2
docker push --quiet "$image:$commit" >&2
docker push --quiet "$image:latest" >&2
printf '%s\n' "$image:$commit"
