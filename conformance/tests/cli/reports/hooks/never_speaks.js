// Reads fields that Claude Code does not send.
let input = '';
process.stdin.on('data', (chunk) => {
  input += chunk;
});
process.stdin.on('end', () => {
  let event = {};
  try {
    event = JSON.parse(input);
  } catch {
    process.exit(0);
  }
  if (String(event.toolInput?.command).includes('rm -rf')) {
    console.log(JSON.stringify({ decision: 'block', reason: 'rm -rf is not allowed here' }));
  }
});
