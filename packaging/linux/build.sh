#!/bin/sh
# Builds dist/sarvlm, a folder that runs without Python, and tries it: it must answer --help and a query.
#
#   build.sh            SARVLM_BUNDLE=cuda takes all of CUDA; default cpu
#   SARVLM_DIST=DIR     where the result goes; default dist
set -eu
cd "$(dirname "$0")/../.."
dist=${SARVLM_DIST:-dist}
work=${SARVLM_WORK:-build/pyinstaller}

.venv/bin/python -m PyInstaller --noconfirm --log-level WARN --distpath "$dist" --workpath "$work" packaging/sarvlm.spec
.venv/bin/python packaging/collect_licences.py "$dist/sarvlm/THIRD_PARTY_LICENCES.txt"
cp LICENSE "$dist/sarvlm/"

trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
export SARVLM_CACHE_DIR="$trial/cache" SARVLM_DATA_DIR="$trial/data" SARVLM_CONFIG_DIR="$trial/config"
program=$(cd "$dist" && pwd)/sarvlm/sarvlm
"$program" --help >"$trial/help.txt"
grep -q query "$trial/help.txt"
"$program" demo "$trial/demo.tif" >/dev/null
"$program" query "$trial/demo.tif" "ships in the harbour" --heatmap "$trial/heat.tif" --json >"$trial/answer.json"
.venv/bin/python -c 'import json, sys; json.load(open(sys.argv[1]))["cells"]' "$trial/answer.json"
test -s "$trial/heat.tif"
echo "$dist/sarvlm: $(du -sh "$dist/sarvlm" | cut -f1), answers --help, demo and query"
