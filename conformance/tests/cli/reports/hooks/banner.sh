#!/bin/sh
echo "guard: loading rules"
IFS= read -r input
case $input in
*"rm -rf"*) echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"rm -rf is not allowed here"}}' ;;
esac
