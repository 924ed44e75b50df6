/** A time for people to read, in UTC to the minute. */
export function writeTime(milliseconds: number | undefined): string {
  return milliseconds === undefined
    ? 'never'
    : new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')
}
