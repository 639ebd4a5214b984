#!/usr/bin/env bash
# What `gemini hooks migrate --from-claude` makes of Claude Code hooks (Gemini CLI 0.61.0, seen on Linux, 2026-11-30).
#
# Expected: the timeout is converted (Claude Code counts seconds, Gemini CLI milliseconds), both spellings of
# CLAUDE_PROJECT_DIR are renamed, and events that Gemini CLI does not have are reported.
# Seen: `"timeout": 30` is copied as 30, so a hook that had 30 seconds has 30 milliseconds; `$CLAUDE_PROJECT_DIR` is
# renamed and `${CLAUDE_PROJECT_DIR}` is not; `PermissionRequest` and `SubagentStop`, which Gemini CLI never fires, are
# copied; and the command reports success for all of it, with exit code 0.
#
# Hookproof reports each in the migrated file: config.timeout-unit, config.unsubstituted-placeholder,
# config.unknown-event.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm install --silent --no-audit --no-fund --prefix tools @google/gemini-cli@0.61.0 >/dev/null

mkdir -p home project/.claude
cat >project/.claude/settings.json <<'JSON'
{
  "hooks": {
    "PreToolUse": [
      {"matcher": "Bash", "hooks": [{"type": "command", "command": "$CLAUDE_PROJECT_DIR/guard.sh", "timeout": 30}]},
      {"matcher": "Write", "hooks": [{"type": "command", "command": "${CLAUDE_PROJECT_DIR}/guard.sh"}]}
    ],
    "PermissionRequest": [{"hooks": [{"type": "command", "command": "permission.sh"}]}],
    "SubagentStop": [{"hooks": [{"type": "command", "command": "subagent.sh"}]}]
  }
}
JSON
status=0
(cd project && HOME="$scratch/home" "$scratch/tools/node_modules/.bin/gemini" hooks migrate --from-claude </dev/null) || status=$?
echo "exit code $status; gemini $(node -p 'require("./tools/node_modules/@google/gemini-cli/package.json").version')"
cat project/.gemini/settings.json

node - "$status" <<'JS'
const { hooks } = JSON.parse(require("fs").readFileSync("project/.gemini/settings.json", "utf8"));
const [bash, write] = hooks.BeforeTool;
const seen = {
  "exit code": Number(process.argv[2]),
  "matchers": [bash.matcher, write.matcher].join(" "),
  "timeout": bash.hooks[0].timeout,
  "without braces": bash.hooks[0].command,
  "with braces": write.hooks[0].command,
  "unknown events copied": ["PermissionRequest", "SubagentStop"].filter((event) => hooks[event]?.length).join(" "),
};
const known = {
  "exit code": 0,
  "matchers": "run_shell_command write_file",
  "timeout": 30,
  "without braces": "$GEMINI_PROJECT_DIR/guard.sh",
  "with braces": "${CLAUDE_PROJECT_DIR}/guard.sh",
  "unknown events copied": "PermissionRequest SubagentStop",
};
const changed = Object.keys(known).filter((key) => seen[key] !== known[key]);
for (const key of changed) console.log(`changed: ${key}: was ${known[key]}, is ${seen[key]}`);
process.exit(changed.length ? 1 : 0);
JS
echo "as described above"
