/** `npm run docs`: writes what is generated from the schema. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderReference, renderSchema } from './document-settings.ts'

const docs = join(import.meta.dirname, '../../docs')
writeFileSync(join(docs, 'configuration.md'), renderReference())
writeFileSync(join(docs, 'portcullis.schema.json'), renderSchema())
