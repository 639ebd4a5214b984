#!/bin/sh
# Blocks by exit code, and finds the command wherever the document has it.
document=$(cat) || exit 2
command=$(printf '%s' "$document" | jq -r '.tool_input.command // empty') || {
    echo 'the guard failed to read its input' >&2
    exit 2
}
case $command in
*'rm -rf'*)
    echo 'rm -rf is not allowed here' >&2
    exit 2
    ;;
esac
