import type { Stack } from './contract.ts'
import { haproxyCached, haproxyJwt } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { bare, express, fastify } from './node-stacks.ts'
import { portcullis, portcullisWithPolicies, reducedPortcullis } from './portcullis.ts'

/** Everything that is compared, in the order of the tables. */
export const stacks: readonly Stack[] = [portcullis, haproxyJwt, haproxyCached, nginx, bare, fastify, express]

/** Portcullis without one feature at a time, with more of them, and complete for comparison. */
export const ownStacks: readonly Stack[] = [portcullis, ...reducedPortcullis, ...portcullisWithPolicies]
