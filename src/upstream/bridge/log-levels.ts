/** The levels of log messages, least severe first (RFC 5424, as used in MCP). */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/** The position of a level; undefined for anything else. Untrusted input is fine. */
export function severityOf(level: unknown): number | undefined {
  const severity = levels.indexOf(level as string)
  return severity === -1 ? undefined : severity
}
