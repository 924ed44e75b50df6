import type { LostSessions } from '../../src/upstream/renewal/lost-sessions.ts'

/** Each session that is lost begins again, whatever was before. */
export const beginAnew: LostSessions = {
  note: () => undefined,
  mayBegin: () => true,
  mayGoOn: async () => true,
  restore: async () => {},
}
