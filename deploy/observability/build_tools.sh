#!/usr/bin/env bash
# Builds promtool and prometheus from their Go module into the user's cache, where the tests of the alerts and
# `headwater up --observe` look for them. Whoever has them on the PATH needs none of this. Prometheus comes without its
# own pages then, which are not part of the module; its API, and what asks it, are whole.
set -euo pipefail
module=github.com/prometheus/prometheus version=v0.305.0 release=3.5.0
out=${XDG_CACHE_HOME:-${HOME}/.cache}/headwater/tools
mkdir -p "${out}"

# `go install` refuses a module whose go.mod has replace directives, so each is built from a throw-away module with the
# same requirements.
build() {
    local folder
    folder=$(mktemp -d)
    sed -E -e 's#^module .*#module example.test/tool#' -e '/=> *\.\.?\//d' \
        "$(go mod download -json "${module}@${version}" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')" >"${folder}/go.mod"
    (cd "${folder}" && go mod edit -require="${module}@${version}" &&
        GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -buildvcs=false \
            -ldflags "-s -w -X github.com/prometheus/common/version.Version=${release}" \
            -o "${out}/$1" "${module}/cmd/$1")
    rm -rf "${folder}"
    echo "${out}/$1"
}

for name in "$@"; do
    [[ -x ${out}/${name} ]] || build "${name}"
done
