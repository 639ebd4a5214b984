# Reads its input and says nothing.
cat >/dev/null
