#!/usr/bin/env bash
# What `codex doctor` says of hooks (Codex CLI 0.171.0, seen on Linux, 2026-11-30).
#
# Expected: the report has a line on hooks, and names an event in hooks.json that Codex does not have.
# Seen: the word does not occur in the report; the configuration counts as loaded. `codex features list` knows the
# switch, and takes the older name `codex_hooks` for it as well, so that either spelling turns all hooks off.
#
# Hookproof reports both: config.unknown-event, config.hooks-disabled.
set -euo pipefail

# Codex makes no helper programs in a directory for temporary files, and says so; the scratch directory is elsewhere.
scratch=$(mktemp -d "$PWD/finding.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --prefix tools @openai/codex@0.171.0 >/dev/null
mkdir -p home/.codex
codex() { HOME="$scratch/home" NO_COLOR=1 timeout 60 "$scratch/tools/node_modules/.bin/codex" "$@" </dev/null; }
codex --version

cat >home/.codex/hooks.json <<'JSON'
{"hooks": {"PreToolUsed": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true"}]}]}}
JSON
failed=0
# Its exit code is that of the network check, which is not looked at.
codex doctor >report 2>&1 || true
grep -E '^ +. +config ' report || { echo 'changed: the report has no line on the configuration'; failed=1; }
if grep -i 'hook' report; then
    echo 'changed: the report speaks of hooks'
    failed=1
fi
for name in hooks codex_hooks; do
    printf '[features]\n%s = false\n' "$name" >home/.codex/config.toml
    state=$(codex features list 2>/dev/null | awk '$1 == "hooks" { print $NF }')
    echo "[features] $name = false: hooks $state"
    [ "$state" = false ] || { echo "changed: $name does not turn hooks off"; failed=1; }
done
[ "$failed" -eq 0 ] && echo 'as described above'
exit "$failed"
