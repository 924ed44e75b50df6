import { text } from 'node:stream/consumers'
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import type { Sample } from '../compose/explain/contract.ts'
import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import { wrongOperand } from './operand-wrong.ts'
import { readFile } from './read-file.ts'

interface SampleFlags {
  readonly claims?: string
  readonly token?: string
}

/**
 * Reads what a token says: from a file with its claims, or from the token itself, which is only read from
 * standard input, since all users of a machine can read arguments. Errors are reported without any of it.
 * Throws OperandWrong.
 */
export async function readSample({ claims, token }: SampleFlags): Promise<Sample> {
  if ((claims === undefined) === (token === undefined))
    throw wrongOperand(
      '--claims',
      'give either --claims <file>, or --token - and the token on standard input',
    )
  if (token !== undefined && token !== '-')
    throw wrongOperand(
      '--token',
      'a token does not belong on a command line: write --token - and pass it on standard input',
    )
  if (claims === undefined) return decode((await text(process.stdin)).trim())
  return { claims: parseObject('--claims', await readClaims(claims)), header: undefined }
}

/** Parses a JSON object from a flag. Throws OperandWrong. */
export function parseObject(flag: string, json: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw wrongOperand(flag, 'is not JSON')
  }
  if (isJsonObject(value)) return value
  throw wrongOperand(flag, 'is not a JSON object')
}

async function readClaims(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  const read = readFile(file)
  if ('problem' in read) throw wrongOperand('--claims', read.problem)
  return read.content
}

function decode(token: string): Sample {
  try {
    const { typ, alg } = decodeProtectedHeader(token)
    return { claims: decodeJwt(token) satisfies JWTPayload, header: { typ, alg } }
  } catch {
    const message =
      'standard input holds no readable token: for an opaque one, pass what its issuer says about it (introspection) with --claims'
    throw wrongOperand('--token', message)
  }
}
