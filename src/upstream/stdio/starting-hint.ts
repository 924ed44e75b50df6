/** What to do on Windows about a command that cannot be started; empty on other systems. */
export function startingHint(): string {
  return process.platform === 'win32'
    ? ' (on Windows, what is a script, such as npx, needs "cmd /c" before it: cmd /c npx -y some-mcp-server)'
    : ''
}
