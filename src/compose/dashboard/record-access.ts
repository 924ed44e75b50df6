import type { DashboardAccess } from '../../admin/access-contract.ts'
import type { Recorder } from '../../audit/contract.ts'
import type { AuditEvent } from '../../audit/event.ts'

/** Records in the audit who opens the dashboard, who is refused, and who signs out. */
export function recordAccess(access: DashboardAccess, recorder: Recorder): DashboardAccess {
  const commit = (what: Omit<AuditEvent, 'event'>): void =>
    recorder.commit({ event: 'admin.access', ...what })
  return {
    ...access,
    async createLinkToken(operator) {
      recorder.check()
      const token = await access.createLinkToken(operator)
      commit({ outcome: 'allowed', action: linkAction, operator })
      return token
    },
    async enter(token, address) {
      recorder.check()
      const session = await access.enter(token, address)
      if (session === undefined) {
        commit({
          outcome: 'denied',
          action: enterAction,
          address,
          reason: 'no link, or one that was used or is over',
        })
        return undefined
      }
      commit({ outcome: 'allowed', action: enterAction, address, operator: await access.operatorOf(session) })
      return session
    },
    async leave(session, address) {
      const operator = await access.operatorOf(session)
      await access.leave(session, address)
      commit({ outcome: 'allowed', action: 'dashboard sign-out', address, operator })
    },
    deny: (address, operator) =>
      commit({
        outcome: 'denied',
        action: 'dashboard form',
        address,
        operator,
        reason: 'a form of another page',
      }),
  }
}

/** The name in the audit for creating a link. */
export const linkAction = 'dashboard link'
const enterAction = 'dashboard sign-in'
