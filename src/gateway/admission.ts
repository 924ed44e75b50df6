import type { ServerResponse } from 'node:http'
import { Refusal } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { principalName } from './session.ts'

/** Bounds how much one principal can have running at a time, so that it cannot crowd out the others. */
export interface Admission {
  /** Takes a place until the answer is over. Throws `too_many_requests` where there is none. */
  enter(principal: Principal, res: ServerResponse): void
}

/** Counts the running requests of each principal in this process. */
export function createAdmission(maxRunning: number): Admission {
  const running = new Map<string, number>()
  return {
    enter(principal, res) {
      const name = principalName(principal)
      const count = running.get(name) ?? 0
      if (count >= maxRunning) {
        throw new Refusal('too_many_requests', {
          reason: `${count} requests are running`,
          retryAfterSeconds: 1,
        })
      }
      running.set(name, count + 1)
      res.once('close', () => {
        const left = (running.get(name) ?? 1) - 1
        if (left === 0) running.delete(name)
        else running.set(name, left)
      })
    },
  }
}
