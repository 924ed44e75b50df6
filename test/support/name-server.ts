import { createSocket } from 'node:dgram'

/** A name server on loopback. */
export interface NameServer {
  /** In the form for a resolver: address and port. */
  readonly address: string
  /** The questions that it received, such as `A name.example`. */
  readonly asked: string[]
  close(): Promise<void>
}

const types: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA' }

/**
 * Starts a name server. `answer` returns the raw addresses for a name and type; undefined keeps it silent.
 */
export async function startNameServer(
  answer: (type: string, name: string) => readonly Buffer[] | undefined,
): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const end = at + 5
    const type = types[query.readUInt16BE(at + 1)] ?? ''
    asked.push(`${type} ${labels.join('.')}`)
    const records = answer(type, labels.join('.'))
    if (records === undefined) return
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    // A pointer to the name of the question, its type, class IN, a TTL of zero, then the address.
    const answers = records.map((address) =>
      Buffer.concat([
        Buffer.from([0xc0, 12]),
        query.subarray(at + 1, end),
        Buffer.from([0, 0, 0, 0, 0, address.length]),
        address,
      ]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address)
  })
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
