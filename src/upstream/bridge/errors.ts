import { errorCodes } from '../../mcp/error-codes.ts'
import { asObject, errorOf, type Json } from '../conversation/json-rpc.ts'
import { unbridgeable } from './refuse.ts'

const { resourceNotFound, methodNotFound, invalidParams, internalError, missingClientCapability } = errorCodes

/** Codes whose meaning the modern era defines: a legacy server that uses one means something else (O17). */
function isReserved(code: number): boolean {
  return code >= -32099 && code <= -32020
}

/** Requests that name something, with the capability of a server that has the method. */
const naming: Readonly<Record<string, string>> = {
  'tools/call': 'tools',
  'prompts/get': 'prompts',
  'resources/read': 'resources',
}

/**
 * Translates an error of a legacy server with these capabilities for a modern client. The message is
 * untrusted.
 */
export function toModernError(method: unknown, message: Json, capabilities: Json): Json {
  const { id, error } = readError(message)
  const capability = naming[String(method)]
  // A server that has the method means the named object; in the modern era the code, and its 404, would be
  // about the method.
  if (error.code === methodNotFound && capability !== undefined && capabilities[capability] !== undefined)
    return errorOf(id, invalidParams, error.message, error.data)
  if (error.code === errorCodes.urlElicitationRequired)
    return unbridgeable(id, 'the server wants the user to visit a page first')
  if (error.code === resourceNotFound) return errorOf(id, invalidParams, error.message, error.data)
  if (isReserved(error.code)) return errorOf(id, internalError, error.message, error.data)
  return message
}

/** Translates an error of a modern server for a legacy client. The message is untrusted. */
export function toLegacyError(method: unknown, message: Json): Json {
  const { id, error } = readError(message)
  if (error.code === missingClientCapability) return unbridgeable(id, 'the server needs to ask the client')
  if (error.code === invalidParams && method === 'resources/read') {
    return errorOf(id, resourceNotFound, error.message, error.data)
  }
  if (isReserved(error.code)) return errorOf(id, internalError, error.message, error.data)
  return message
}

function readError(message: Json): {
  id: unknown
  error: { code: number; message: string; data: unknown }
} {
  const error = asObject(message['error'])
  const code = error?.['code']
  const text = error?.['message']
  return {
    id: message['id'],
    error: {
      code: typeof code === 'number' ? code : internalError,
      message: typeof text === 'string' ? text : '',
      data: error?.['data'],
    },
  }
}
