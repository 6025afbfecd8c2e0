#!/usr/bin/env bash
# Runs the server, records it while examples/benchmark_serving loads it, and ends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
go build -o "$dir/serving" ./examples/serving
go build -o "$dir/benchmark_serving" ./examples/benchmark_serving
PROFSCOPE_DIR=$dir/profiles "$dir/serving" --port 0 >"$dir/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do
	url=$(sed -n 's/.* on \(http.*\)/\1/p' "$dir/log")
	[ -z "$url" ] || break
	sleep 0.1
done
"$dir/benchmark_serving" --base-url "$url" --num-prompts 40 --request-rate 20 --profile "$@"
go tool pprof -top -nodecount 5 "$dir/profiles/profile.prof"
