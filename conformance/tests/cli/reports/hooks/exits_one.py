import json
import sys

try:
    event = json.load(sys.stdin)
except ValueError as error:
    print(f"the guard failed to read its input: {error.__class__.__name__}", file=sys.stderr)
    sys.exit(2)
command = event.get("tool_input", {}).get("command", "")
if "rm -rf" in command:
    print("rm -rf is not allowed here", file=sys.stderr)
    sys.exit(1)
