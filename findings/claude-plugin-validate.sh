#!/usr/bin/env bash
# What `claude plugin validate` says of hooks that never run (Claude Code 2.1.332, seen on Linux, 2026-11-30).
#
# Expected: an event that does not exist fails the validation, as a wrong type does, and a matcher that is no regular
# expression is reported.
# Seen: an unknown event is a warning, and the exit code is 0, so that a CI job which looks at the exit code passes; an
# invalid pattern and a matcher that no tool name can match pass without a word. A timeout that is a string exits with 1.
#
# Hookproof fails all four: config.unknown-event, config.matcher-invalid, config.matcher-never-matches,
# config.invalid-entry.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --prefix tools @anthropic-ai/claude-code@2.1.332 >/dev/null
mkdir home
claude() { HOME="$scratch/home" "$scratch/tools/node_modules/.bin/claude" "$@" </dev/null; }
claude --version

failed=0
# expect NAME EXIT_CODE LINE: validates a plugin whose hooks.json is stdin; LINE is a pattern of the report, or - for
# none about hooks.
expect() {
    local name=$1 wanted=$2 line=$3 status=0 seen
    mkdir -p "$name/.claude-plugin" "$name/hooks"
    echo '{"name": "demo", "version": "1.0.0", "description": "demo", "author": {"name": "Dev"}}' >"$name/.claude-plugin/plugin.json"
    cat >"$name/hooks/hooks.json"
    claude plugin validate "$name" >"$name/report" 2>&1 || status=$?
    seen=$(grep -F '❯ hooks: hooks.' "$name/report" || true)
    echo "$name: exit code $status; ${seen:-nothing about the hooks}"
    if [ "$status" -ne "$wanted" ]; then
        echo "changed: $name: the exit code was $wanted, is $status"
        failed=1
    fi
    case $line in
    -) [ -z "$seen" ] || { echo "changed: $name was not reported"; failed=1; } ;;
    *) grep -qF "$line" <<<"$seen" || { echo "changed: $name: expected $line"; failed=1; } ;;
    esac
}
hook='"hooks": [{"type": "command", "command": "true"}]'
expect unknown-event 0 'unknown hook event; entry ignored at runtime' <<<'{"hooks": {"PreToolUsed": [{"matcher": "Bash", '"$hook"'}]}}'
expect invalid-pattern 0 - <<<'{"hooks": {"PreToolUse": [{"matcher": "*.py(", '"$hook"'}]}}'
expect blank-in-matcher 0 - <<<'{"hooks": {"PreToolUse": [{"matcher": "Edit Write", '"$hook"'}]}}'
expect timeout-string 1 'expected number, received string' \
    <<<'{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true", "timeout": "30"}]}]}}'
[ "$failed" -eq 0 ] && echo "as described above"
exit "$failed"
