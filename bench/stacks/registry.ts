import type { Stack } from './contract.ts'
import { haproxyCached, haproxyJwt } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { bare, express, fastify } from './node-stacks.ts'
import { portcullis, reducedPortcullis } from './portcullis.ts'

/** Everything that is compared, in the order of the tables. */
export const stacks: readonly Stack[] = [portcullis, haproxyJwt, haproxyCached, nginx, bare, fastify, express]

/** Portcullis with one thing less, and the whole of it to compare with. */
export const ownStacks: readonly Stack[] = [portcullis, ...reducedPortcullis]
